"""Missed questions come back, spaced by FSRS, until they were answered right on two different days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from bot.db import at_once
from bot.models.quiz import Question, ReviewCard
from bot.services import question as bank
from bot.services.question import Candidate
from bot.services.run import Card
from bot.times import at_time, local

if TYPE_CHECKING:
    from fsrs import Scheduler

CARD: Table = ReviewCard.__table__  # type: ignore[assignment]
_CHANGING = ("state", "due_at", "right_days", "last_right_on", "retired_at")
_VALUES: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _CHANGING}
# Built once: putting these together costs more than running them.
_NEW = insert(CARD).values(member_id=bindparam("member"), question_id=bindparam("question"), **_VALUES)
_CHANGED = (
    update(CARD)
    .where(CARD.c.member_id == bindparam("member"), CARD.c.question_id == bindparam("question"))
    .values(_VALUES)
)
_CARD = select(*(CARD.c[name] for name in Card.__slots__)).where(
    CARD.c.member_id == bindparam("member"), CARD.c.question_id == bindparam("question")
)
RETIRE_AFTER = 2
"""So many days with a right answer end the review of a question."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What is due for review now, oldest first, and the day on which more comes."""

    due: tuple[Candidate, ...]
    next_on: date | None


def record(
    session: Session,
    card: Card | None,
    *,
    member_id: int,
    question_id: int,
    right: bool,
    asked_since: datetime,
    now: datetime,
    write: Callable[..., None] = at_once,
) -> bool:
    """Note an answer: a miss makes or resets the card, a right answer moves it on. Returns whether the card was retired by it.

    A right answer after a miss since ``asked_since`` (the start of the run: a case has several parts) moves nothing.
    """
    if right and (card is None or card.retired_at is not None or _missed_since(card, asked_since)):
        return False
    new = _moved_on(card, now) if right and card is not None else _missed(card, question_id, now)
    key = {"member": member_id, "question": question_id}
    statement = _NEW if card is None else _CHANGED
    write(session, statement, {**key, **{f"new_{name}": new[name] for name in _CHANGING}})
    return new["retired_at"] is not None


def miss(session: Session, member_id: int, question_id: int, *, now: datetime) -> None:
    """Let a question come back that was missed where no verdict was given yet."""
    row = session.execute(_CARD, {"member": member_id, "question": question_id}).one_or_none()
    record(
        session,
        Card(*row) if row else None,
        member_id=member_id,
        question_id=question_id,
        right=False,
        asked_since=now,
        now=now,
    )


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


def _missed_since(card: Card, asked_since: datetime) -> bool:
    last = card.state["last_review"]
    return bool(last) and datetime.fromisoformat(last) >= asked_since


def _missed(card: Card | None, question_id: int, now: datetime) -> dict[str, Any]:
    """The columns of a card after a miss."""
    state = _new_state(question_id, now) if card is None else card.state
    return {"right_days": 0, "last_right_on": None, "retired_at": None, **_rated(state, right=False, now=now)}


def _moved_on(card: Card, now: datetime) -> dict[str, Any]:
    """The columns of a card after a right answer; the second one of a day changes nothing but may still retire it."""
    days, new = card.right_days, {"state": card.state, "due_at": card.due_at}
    if card.last_right_on != now.date():
        days, new = days + 1, _rated(card.state, right=True, now=now)
    retired = now if days >= RETIRE_AFTER else None
    return {"right_days": days, "last_right_on": now.date(), "retired_at": retired, **new}


def _rated(state: dict[str, Any], *, right: bool, now: datetime) -> dict[str, Any]:
    """Let FSRS say the next day; it is due from that day's midnight, so that the hour of a miss does not matter."""
    from fsrs import Card as Fsrs
    from fsrs import Rating

    rating = Rating.Good if right else Rating.Again
    moved, _ = _scheduler().review_card(Fsrs.from_dict(cast(Any, state)), rating, now.astimezone(UTC))
    return {"state": dict(moved.to_dict()), "due_at": at_time(local(moved.due, now).date(), time(), now)}


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
