"""Missed questions come back, spaced by FSRS, until they were answered right on two different days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.quiz import Question, ReviewCard
from bot.services import question as bank
from bot.services.question import Candidate
from bot.times import at_time, local

if TYPE_CHECKING:
    from fsrs import Scheduler

RETIRE_AFTER = 2
"""So many days with a right answer end the review of a question."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What is due for review now, oldest first, and the day on which more comes."""

    due: tuple[Candidate, ...]
    next_on: date | None


def record(
    session: Session,
    card: ReviewCard | None,
    *,
    member_id: int,
    question_id: int,
    right: bool,
    asked_since: datetime,
    now: datetime,
) -> bool:
    """Note an answer: a miss makes or resets the card, a right answer moves it on. Returns whether the card was retired by it.

    A right answer after a miss since ``asked_since`` (the start of the run: a case has several parts) moves nothing.
    """
    if right:
        return card is not None and card.retired_at is None and _moved_on(card, asked_since, now)
    if card is None:
        card = ReviewCard(member_id=member_id, question_id=question_id, right_days=0)
        session.add(card)
        card.state = _new_state(question_id, now)
    card.retired_at, card.right_days, card.last_right_on = None, 0, None
    _rate(card, right=False, now=now)
    return False


def queue(session: Session, member_id: int, branch_id: int, now: datetime) -> Queue:
    """What a member is to review: only questions that may still be asked in the branch."""
    rows = session.execute(
        select(ReviewCard.due_at, Question.id, Question.code, Question.topic, Question.half, Question.parts)
        .join(Question, Question.id == ReviewCard.question_id)
        .where(
            ReviewCard.member_id == member_id,
            ReviewCard.retired_at.is_(None),
            bank.askable(branch_id, now.date()),
        )
        .order_by(ReviewCard.due_at, Question.id)
    ).all()
    due = [
        Candidate(key, code, topic, half, len(parts) or 1)
        for at, key, code, topic, half, parts in rows
        if at <= now
    ]
    later = [local(row.due_at, now).date() for row in rows if row.due_at > now]
    return Queue(tuple(due), min(later, default=None))


def count_due(session: Session, member_id: int, branch_id: int, now: datetime) -> int:
    """How many questions are due for review now."""
    number = session.scalar(
        select(func.count())
        .select_from(ReviewCard)
        .join(Question, Question.id == ReviewCard.question_id)
        .where(
            ReviewCard.member_id == member_id,
            ReviewCard.due_at <= now,
            ReviewCard.retired_at.is_(None),
            bank.askable(branch_id, now.date()),
        )
    )
    return number or 0


def _moved_on(card: ReviewCard, asked_since: datetime, now: datetime) -> bool:
    last = card.state["last_review"]
    if last and datetime.fromisoformat(last) >= asked_since:
        return False
    if card.last_right_on != now.date():
        card.right_days, card.last_right_on = card.right_days + 1, now.date()
        _rate(card, right=True, now=now)
    if card.right_days >= RETIRE_AFTER:
        card.retired_at = now
    return card.retired_at is not None


def _rate(card: ReviewCard, *, right: bool, now: datetime) -> None:
    """Let FSRS say the next day; it is due from that day's midnight, so that the hour of a miss does not matter."""
    from fsrs import Card, Rating

    rating = Rating.Good if right else Rating.Again
    moved, _ = _scheduler().review_card(Card.from_dict(cast(Any, card.state)), rating, now.astimezone(UTC))
    card.state = dict(moved.to_dict())
    card.due_at = at_time(local(moved.due, now).date(), time(), now)


def _new_state(question_id: int, now: datetime) -> dict[str, Any]:
    from fsrs import Card

    return dict(Card(card_id=question_id, due=now).to_dict())


@lru_cache(maxsize=1)
def _scheduler() -> Scheduler:
    from fsrs import Scheduler

    return Scheduler(
        desired_retention=0.9,
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=180,
        enable_fuzzing=False,
    )
