"""The register of key tasks as it is looked at: who may see a task, how it stands, lists and stories.

Putting tasks on it is :mod:`bot.services.key_task_plan`, working on them and deciding :mod:`bot.services.key_task_work`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState
from bot.models.key_task import KeyTask, KeyTaskStep, StepKind, TaskState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services.permission import Action, Actor, holders
from bot.times import day
from content import key_tasks as file
from content.key_tasks import Register

PREFIX = "RW"
MOST_ABOVE = 3
LIVE = (TaskState.OPEN, TaskState.REPORTED)


class NotLive(Refusal):
    text = "本支部没有正在做的任务 {number}。发 任务 看有哪些。"


class NoSuchTask(Refusal):
    text = "没有找到任务 {number}。发 任务 看本支部的，发 我的任务 看自己的。"


@lru_cache(maxsize=1)
def register() -> Register:
    """The shipped categories and days, read once."""
    return file.load()


def code(number: int) -> str:
    """What people call a task: RW12."""
    return f"{PREFIX}{number}"


@dataclass(frozen=True, slots=True)
class Task:
    """A task with its owner, as it stands on a day."""

    row: KeyTask
    owner: Member
    today: date

    @property
    def code(self) -> str:
        return code(self.row.id)

    @property
    def title(self) -> str:
        """RW12 城西变检修."""
        return f"{self.code} {self.row.name}"

    @property
    def left(self) -> int:
        """Days until the day it is due; negative when that is past."""
        return (self.row.due_on - self.today).days

    @property
    def light(self) -> str:
        """One or two words for how it stands: 正常, 临近, 逾期3天, 求助, 待确认."""
        match self.row.state:
            case TaskState.DONE:
                return "已完成"
            case TaskState.CANCELLED:
                return "已取消"
            case TaskState.REPORTED:
                return "待确认"
        helpless = "求助" if self.row.help_at else ""
        if self.left < 0:
            return "·".join(filter(None, (f"逾期{-self.left}天", helpless)))
        return helpless or ("临近" if self.left <= register().near_days else "正常")

    @property
    def until(self) -> str:
        """还剩 3 天, 今天到期, 逾期 2 天; for what is over, how it ended."""
        if self.row.state not in LIVE:
            return self.light
        if self.row.state is TaskState.REPORTED:
            return "等待确认"
        if self.left < 0:
            return f"逾期 {-self.left} 天"
        return "今天到期" if self.left == 0 else f"还剩 {self.left} 天"

    @property
    def _urgency(self) -> tuple[int, date, int]:
        """Overdue ones first, then calls for help, then what waits to be confirmed, then by day."""
        waits = self.row.state is TaskState.REPORTED
        first = 2 if waits else 0 if self.left < 0 else 1 if self.row.help_at else 3
        return first, self.row.due_on, self.row.id


def _visible(actor: Actor) -> ColumnElement[bool]:
    """Those of the own branch, those one owns, and those of branches one is in charge of."""
    return or_(
        KeyTask.branch_id == actor.member.branch_id,
        KeyTask.owner_id == actor.member.id,
        KeyTask.branch_id == actor.branch_id,
        KeyTask.branch_id.in_(select(Organisation.id).where(actor.within(Action.MANAGE_TASKS))),
    )


def find(session: Session, actor: Actor, number: int, *, today: date) -> Task:
    """A task by its number; :class:`NoSuchTask` for one that the actor may not see."""
    found = session.execute(
        select(KeyTask, Member)
        .join(Member, Member.id == KeyTask.owner_id)
        .where(KeyTask.id == number, _visible(actor))
    ).one_or_none()
    if found is None:
        raise NoSuchTask(number=code(number))
    return Task(found[0], found[1], today)


def require_live(session: Session, branch_id: int, number: int, *, today: date) -> None:
    """:class:`NotLive` unless a branch has the task and works on it."""
    if all(one.row.id != number for one in of_branch(session, branch_id, today=today)):
        raise NotLive(number=code(number))


def title_of(session: Session, number: int) -> str:
    """RW12 城西变检修."""
    return f"{code(number)} {session.get_one(KeyTask, number).name}"


def activities_of(session: Session, task: KeyTask, *, most: int) -> Sequence[Activity]:
    """The latest activities that serve a task, without those that were called off."""
    serving = (Activity.task_id == task.id, Activity.state != ActivityState.CANCELLED)
    return session.scalars(
        select(Activity).where(*serving).order_by(Activity.starts_at.desc()).limit(most)
    ).all()


def in_charge(session: Session, task: KeyTask, *, on: date) -> list[Member]:
    """Who of those in charge is to be told of a task: the branch's own, or, without any but the owner, those above."""
    able = [
        one for one in holders(session, Action.MANAGE_TASKS, task.branch_id, on=on) if one.id != task.owner_id
    ]
    return [one for one in able if one.branch_id == task.branch_id] or able[:MOST_ABOVE]


# Lists -----------------------------------------------------------------------------------------------------------------


def mine(session: Session, member: Member, *, today: date) -> list[Task]:
    """The live tasks of an owner, the next one due first."""
    rows = session.scalars(
        select(KeyTask)
        .where(KeyTask.owner_id == member.id, KeyTask.state.in_(LIVE))
        .order_by(KeyTask.due_on, KeyTask.id)
    )
    return [Task(row, member, today) for row in rows]


def of_branch(session: Session, branch_id: int, *, today: date) -> list[Task]:
    """The live tasks of a branch: overdue ones first, then calls for help, then what waits to be confirmed."""
    found = _listed(session, KeyTask.branch_id == branch_id, KeyTask.state.in_(LIVE), today=today)
    return sorted(found, key=lambda one: one._urgency)


def ended(session: Session, branch_id: int, *, today: date, most: int = 200) -> list[Task]:
    """What a branch has done or called off, the newest first."""
    return _listed(
        session,
        KeyTask.branch_id == branch_id,
        KeyTask.state.not_in(LIVE),
        today=today,
        order=(KeyTask.decided_at.desc(), KeyTask.id.desc()),
        most=most,
    )


def move_live(session: Session, branch_id: int, to_id: int) -> None:
    """What is still to be done in a branch goes to the one into which it is merged: the people who went do it, under those in charge there."""
    here = (KeyTask.branch_id == branch_id, KeyTask.state.in_(LIVE))
    session.execute(
        update(KeyTask).where(*here).values(branch_id=to_id), execution_options={"synchronize_session": False}
    )


def to_confirm(session: Session, actor: Actor, *, today: date) -> list[Task]:
    """What waits to be confirmed by the actor, the oldest first: not one's own."""
    scope = KeyTask.branch_id.in_(select(Organisation.id).where(actor.within(Action.MANAGE_TASKS)))
    waits = (KeyTask.state == TaskState.REPORTED, KeyTask.owner_id != actor.member.id)
    return _listed(session, scope, *waits, today=today)


def _listed(
    session: Session,
    *which: ColumnElement[bool],
    today: date,
    order: Sequence[ColumnElement[Any]] = (),
    most: int | None = None,
) -> list[Task]:
    rows = session.execute(
        select(KeyTask, Member)
        .join(Member, Member.id == KeyTask.owner_id)
        .where(*which)
        .order_by(*(order or (KeyTask.id,)))
        .limit(most)
    ).all()
    return [Task(row, owner, today) for row, owner in rows]


# A story ---------------------------------------------------------------------------------------------------------------


def tell(
    session: Session, task: KeyTask, kind: StepKind, by: Member, text: str = "", *, now: datetime
) -> KeyTaskStep:
    """Add a line to the story of a task."""
    step = KeyTaskStep(task_id=task.id, kind=kind, member_id=by.id, text=text, at=now)
    session.add(step)
    session.flush()
    return step


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a story, and who did it."""

    step: KeyTaskStep
    who: str


def story(session: Session, task: KeyTask, *, most: int) -> tuple[list[Told], int]:
    """The newest lines of a task's story, oldest of them first, and how many there are in all."""
    rows = session.execute(
        select(KeyTaskStep, Member.name)
        .join(Member, Member.id == KeyTaskStep.member_id)
        .where(KeyTaskStep.task_id == task.id)
        .order_by(KeyTaskStep.id.desc())
        .limit(most)
    ).all()
    count = session.scalar(select(func.count()).where(KeyTaskStep.task_id == task.id)) or 0
    return [Told(step, who) for step, who in reversed(rows)], count


def due(task: KeyTask, now: datetime) -> str:
    """12月20日(周日)."""
    return day(task.due_on, now)
