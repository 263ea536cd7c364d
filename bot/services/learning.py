"""What a secretary sees of a branch's learning: who studied this week, and where the answers go wrong. Nobody is ranked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, Integer, cast, func, select, union
from sqlalchemy.orm import Session

from bot.models.activity import Attendance
from bot.models.member import Member, MemberStatus
from bot.models.quiz import Attempt, Question
from bot.models.study import MaterialRead, StudyRecord
from bot.services import exam, study_week
from bot.times import at_time

LOOKED_BACK = timedelta(days=30)
HARDEST, FEWEST_ANSWERS = 5, 5
"""So many of the hardest questions are named, each only with so many answers."""


@dataclass(frozen=True, slots=True)
class Share:
    """A topic, or the stem of a question, with how many answers it got and how many of them were right."""

    name: str
    answers: int
    right: int

    @property
    def percent(self) -> int:
        return round(100 * self.right / self.answers)


@dataclass(frozen=True, slots=True)
class Learning:
    """A branch's week since ``monday``: names in the order of the roster. Topics and questions are of the last thirty days, the hardest first."""

    studied: tuple[str, ...]
    silent: tuple[str, ...]
    topics: tuple[Share, ...]
    hardest: tuple[Share, ...]


def of_branch(session: Session, branch_id: int, now: datetime) -> Learning:
    """Who of the branch read, recorded, practised or attended this week, and what was answered wrongly lately."""
    since = at_time(study_week.monday_of(now.date()), time(), now)
    ours = select(Member.id).where(Member.branch_id == branch_id)
    seen = union(
        *(
            select(table.member_id).where(table.at >= since, table.member_id.in_(ours))
            for table in (MaterialRead, StudyRecord, Attempt, Attendance)
        )
    )
    active = set(session.scalars(seen))
    people = session.execute(
        select(Member.id, Member.name)
        .where(Member.branch_id == branch_id, Member.active, Member.status != MemberStatus.COLLEAGUE)
        .order_by(Member.id)
    ).all()
    return Learning(
        tuple(name for key, name in people if key in active),
        tuple(name for key, name in people if key not in active),
        tuple(_topics(session, branch_id, now)),
        tuple(_hardest(session, branch_id, now)),
    )


def _looked_at(session: Session, branch_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The answers of the branch that tell where it goes wrong: those of the last thirty days, but of no exam that is still open."""
    running = exam.running(session, branch_id, now)
    recent = (Member.branch_id == branch_id, Attempt.at >= now - LOOKED_BACK)
    return (*recent, Attempt.run_id.not_in(running)) if running else recent


_ANSWERS = func.count()
_RIGHT = func.sum(cast(Attempt.right, Integer))


def _topics(session: Session, branch_id: int, now: datetime) -> Iterable[Share]:
    rows = session.execute(
        select(Question.topic, _ANSWERS, _RIGHT)
        .join(Attempt, Attempt.question_id == Question.id)
        .join(Member, Member.id == Attempt.member_id)
        .where(*_looked_at(session, branch_id, now))
        .group_by(Question.topic)
    )
    return sorted((Share(*row) for row in rows), key=lambda share: (share.percent, share.name))


def _hardest(session: Session, branch_id: int, now: datetime) -> Iterable[Share]:
    rows = session.execute(
        select(Question.stem, _ANSWERS, _RIGHT)
        .join(Attempt, Attempt.question_id == Question.id)
        .join(Member, Member.id == Attempt.member_id)
        .where(*_looked_at(session, branch_id, now))
        .group_by(Question.id, Question.stem)
        .having(_ANSWERS >= FEWEST_ANSWERS)
        .order_by((_RIGHT * 1.0 / _ANSWERS), Question.id)
        .limit(HARDEST)
    )
    return [Share(*row) for row in rows]
