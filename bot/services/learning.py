"""What a secretary sees of a branch's learning: who studied this week, and where the answers go wrong. Nobody is ranked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Integer, Select, cast, func, select
from sqlalchemy.orm import Session

from bot.models.member import Member, MemberStatus
from bot.models.organisation import Organisation
from bot.models.quiz import Attempt, Question
from bot.services import cadence, exam, study_time, study_week
from bot.services.paused_week import monday_of
from bot.services.study_time import Minutes

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


@dataclass(frozen=True, slots=True)
class Learner:
    """One person: on how many days of this week they studied, the minutes of this year, and the 学时 asked (None: of nobody but Party members)."""

    name: str
    group: str
    status: str
    days: int
    minutes: Minutes
    asked: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """A branch's learning as a table: people in the order of the roster, no ranking. ``per_hour`` minutes make one 学时."""

    branch: str
    monday: date
    year: int
    per_hour: int
    people: tuple[Learner, ...]
    topics: tuple[Share, ...]
    hardest: tuple[Share, ...]


def of_branch(session: Session, branch_id: int, now: datetime) -> Learning:
    """Who of the branch read, recorded, practised or attended this week, and what was answered wrongly lately."""
    active = study_week.days_of(session, _ours(branch_id), monday_of(now.date()), now)
    people = _people(session, branch_id)
    return Learning(
        tuple(one.name for one in people if one.id in active),
        tuple(one.name for one in people if one.id not in active),
        tuple(_topics(session, branch_id, now)),
        tuple(_hardest(session, branch_id, now)),
    )


def report(session: Session, branch_id: int, now: datetime) -> Report:
    """The same for a table, with everybody's days of this week and hours of this year, in the order of the roster."""
    monday = monday_of(now.date())
    days = study_week.days_of(session, _ours(branch_id), monday, now)
    minutes = study_time.of_year(session, Member.branch_id == branch_id, now.year, now)
    [facts] = cadence.gather(session, Organisation.id == branch_id, now)
    learners = tuple(
        Learner(
            one.name,
            group or "",
            one.status.value,
            len(days.get(one.id, ())),
            minutes.get(one.id, study_time.NONE),
            _asked(facts, one.id),
        )
        for one, group in _people_with_groups(session, branch_id)
    )
    seen = of_branch(session, branch_id, now)
    per_hour = facts.choices.study_minutes_per_hour
    return Report(facts.name, monday, now.year, per_hour, learners, seen.topics, seen.hardest)


def _asked(facts: cadence.Facts, member_id: int) -> int | None:
    """The 学时 asked of a Party member in a year; None of others."""
    if member_id not in facts.members:
        return None
    leads = member_id in facts.committee
    return facts.choices.study_hours_leader if leads else facts.choices.study_hours_member


def _ours(branch_id: int) -> Select[int]:
    return select(Member.id).where(Member.branch_id == branch_id)


def _people(session: Session, branch_id: int) -> list[Member]:
    return [member for member, _ in _people_with_groups(session, branch_id)]


def _people_with_groups(session: Session, branch_id: int) -> list[tuple[Member, str | None]]:
    """Whose learning concerns the branch, with the name of the group, in the order of the roster."""
    rows = session.execute(
        select(Member, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Member.group_id)
        .where(Member.branch_id == branch_id, Member.active, Member.status != MemberStatus.COLLEAGUE)
        .order_by(Member.id)
    )
    return [(member, group) for member, group in rows]


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
