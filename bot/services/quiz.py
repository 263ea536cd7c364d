"""What an answer changes: it is judged and kept, a miss comes back for review, enough right ones earn the day's points, the run goes on."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, exists, func, insert, select
from sqlalchemy.orm import Session

from bot.db import at_once, at_the_end
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.models.quiz import Attempt, QuizKind, QuizRun
from bot.services import answer as answers
from bot.services import points, review
from bot.services import run as runs
from bot.services.points import Award
from bot.services.run import SECURE, Asked, Card, Place, Posed, Run

ENOUGH_RIGHT = 3
"""So many right answers on one day earn the points of the rule "quiz"."""


@dataclass(slots=True)
class Answered:
    """A judged answer. ``correct`` is the right answer as this member saw it; ``next`` is None at the end of the run.

    ``explained`` is False while a case has more parts, because its explanation would give them away.
    """

    run: Run
    question: Posed
    right: bool
    correct: str
    award: Award | None
    retired: bool
    explained: bool
    next: Asked | None = None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The answer was to a question that is not open any more: it was answered elsewhere, or its text has changed. ``now`` is what is open."""

    now: Asked | None
    changed: bool = False


_READ_BEFORE = (QuizKind.EXAM, QuizKind.DUEL, QuizKind.ARENA, QuizKind.REVIEW)

ATTEMPT: Table = Attempt.__table__  # type: ignore[assignment]
# Built once: putting these together costs more than running them.
_KEEP = insert(ATTEMPT)
# Answers in an exam count for nothing here: the moment of the points would tell how many of them were right.
_DAY = select(
    select(func.count())
    .select_from(ATTEMPT.join(runs.RUN, runs.RUN.c.id == ATTEMPT.c.run_id))
    .where(
        ATTEMPT.c.member_id == bindparam("member"),
        ATTEMPT.c.at >= bindparam("midnight"),
        ATTEMPT.c.right,
        runs.RUN.c.kind != QuizKind.EXAM,
    )
    .scalar_subquery(),
    exists().where(PointEntry.fact == bindparam("fact")),
)


def answer(
    session: Session, member: Member, place: Place, text: str, *, now: datetime, rng: random.Random = SECURE
) -> Answered | Overtaken:
    """Judge an answer, keep it, and go on to the next question. A text that is no answer is refused and changes nothing.

    Another member's run is never found; a place that was answered already is :class:`Overtaken`.
    """
    found = runs.standing(session, member.id, place)
    if found is None or found.run.finished_at is not None:
        return Overtaken(None)
    run, question = found.run, found.posed.get(found.run.open_question)
    if run.position != place.position or question is None:
        return Overtaken(runs.resume(session, run, now=now, rng=rng))
    if question.digest != run.shown:
        asked = runs.show(run, question, now, rng)
        runs.save(session, run)
        return Overtaken(asked, changed=True)
    done = _judged(session, run, question, found.card, text, now)
    if run.finished_at is None:
        following = found.posed.get(run.open_question) or runs.posed(session, run.open_question)
        done.next = runs.show(run, following, now, rng)
    runs.save(session, run, _when(run))
    return done


def _when(run: Run) -> Callable[..., None]:
    """When what an answer changes is written: at the end, unless it is read before, for a score or for the next day of review."""
    return at_once if run.finished_at is not None or run.kind in _READ_BEFORE else at_the_end


def _judged(
    session: Session, run: Run, question: Posed, card: Card | None, text: str, now: datetime
) -> Answered:
    item = answers.item_of(question, run.part)
    given, right = answers.judge(item, run.order, text)
    correct = item.right_letters(run.order) or item.answer[0]
    attempt = _attempt(run, question, given, right, now)
    # An exam says nothing before it is over: no review and no points would give its answers away.
    silent = run.kind is QuizKind.EXAM
    retired = not silent and _review(session, run, question, card, right, now)
    award = _earned(session, run.member_id, now) if right and not silent else None
    _move_on(run, right, now)
    # A second answer to the same place, from wherever it comes, collides here.
    _when(run)(session, _KEEP, attempt)
    explained = run.finished_at is not None or run.open_question != question.id
    return Answered(run, question, right, correct, award, retired, explained)


def best_challenge(session: Session, member_id: int, *, but: int = 0) -> int:
    """The most right answers in a row in a member's finished challenges, not counting the run ``but``."""
    most = session.scalar(
        select(func.max(QuizRun.right)).where(
            QuizRun.member_id == member_id,
            QuizRun.kind == QuizKind.CHALLENGE,
            QuizRun.finished_at.is_not(None),
            QuizRun.id != but,
        )
    )
    return most or 0


def _attempt(run: Run, question: Posed, given: str, right: bool, now: datetime) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "position": run.position,
        "member_id": run.member_id,
        "question_id": question.id,
        "given": given,
        "right": right,
        "seconds": max(0, int((now - run.asked_at).total_seconds())),
        "at": now,
    }


def _review(
    session: Session, run: Run, question: Posed, card: Card | None, right: bool, now: datetime
) -> bool:
    """Note the answer for spaced review; of a case only its last part can be the right answer to the whole."""
    more_parts = question.id in run.questions[run.position + 1 :]
    if right and (card is None or more_parts):
        return False
    return review.record(
        session,
        card,
        member_id=run.member_id,
        question_id=question.id,
        right=right,
        asked_since=run.started_at,
        now=now,
        write=_when(run),
    )


def _earned(session: Session, member_id: int, now: datetime) -> Award | None:
    """The day's points, when this right answer, not yet written, makes enough of them. Reads only the member's attempts of the day."""
    fact = f"quiz {member_id} {now.date()}"
    values = {"member": member_id, "midnight": runs.midnight(now), "fact": fact}
    before, had = session.connection().execute(_DAY, values).one()
    if before + 1 < ENOUGH_RIGHT or had:
        return None
    reason = f"{now.month}月{now.day}日答对{ENOUGH_RIGHT}题"
    award = points.award(session, member_id, "quiz", fact=fact, reason=reason, now=now)
    return award if award.points else None


def _move_on(run: Run, right: bool, now: datetime) -> None:
    run.right += right
    run.position += 1
    if run.position == len(run.questions) or (run.kind is QuizKind.CHALLENGE and not right):
        run.finished_at = now
