"""The register of key tasks of a year, for a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from bot.models.activity import Activity, ActivityState
from bot.models.key_task import KeyTask, KeyTaskStep
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services.key_task import Task


@dataclass(frozen=True, slots=True)
class Entry:
    """A task with who decided on it, what was last said of it, and how many activities served it."""

    task: Task
    decided_by: str
    news: str
    activities: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """All tasks of a branch that were due in a year, in the order of their numbers."""

    branch: str
    year: int
    entries: tuple[Entry, ...]


def of_year(session: Session, branch_id: int, year: int, *, today: date) -> Ledger:
    """The tasks whose day lies in a year, those that were called off too."""
    decider = aliased(Member)
    rows = session.execute(
        select(KeyTask, Member, decider.name)
        .join(Member, Member.id == KeyTask.owner_id)
        .outerjoin(decider, decider.id == KeyTask.decided_by)
        .where(KeyTask.branch_id == branch_id, KeyTask.due_on.between(date(year, 1, 1), date(year, 12, 31)))
        .order_by(KeyTask.id)
    ).all()
    news, served = _news(session, branch_id), _served(session, branch_id)
    entries = tuple(
        Entry(Task(row, owner, today), by or "", news.get(row.id, ""), served.get(row.id, 0))
        for row, owner, by in rows
    )
    return Ledger(session.get_one(Organisation, branch_id).name, year, entries)


def _news(session: Session, branch_id: int) -> dict[int, str]:
    """The last words of each task's story."""
    last = (
        select(func.max(KeyTaskStep.id))
        .join(KeyTask, KeyTask.id == KeyTaskStep.task_id)
        .where(KeyTask.branch_id == branch_id, KeyTaskStep.text != "")
        .group_by(KeyTaskStep.task_id)
    )
    steps = session.scalars(select(KeyTaskStep).where(KeyTaskStep.id.in_(last)))
    return {one.task_id: f"{one.kind.value}：{one.text}" for one in steps}


def _served(session: Session, branch_id: int) -> dict[int, int]:
    rows = session.execute(
        select(Activity.task_id, func.count())
        .where(
            Activity.branch_id == branch_id,
            Activity.task_id.is_not(None),
            Activity.state != ActivityState.CANCELLED,
        )
        .group_by(Activity.task_id)
    )
    return {task: count for task, count in rows if task is not None}


def has_any(session: Session, branch_id: int) -> bool:
    """Whether the branch ever had a task."""
    return session.scalar(select(KeyTask.id).where(KeyTask.branch_id == branch_id).limit(1)) is not None
