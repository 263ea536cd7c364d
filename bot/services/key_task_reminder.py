"""Who is to be reminded of key tasks on a working day: owners three days before, on the day, then weekly; those in charge once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.models.key_task import KeyTask, TaskState
from bot.models.member import Member
from bot.services import freeze, key_task, outbox
from bot.services.key_task import Task, register
from bot.services.permission import Action, holders

WEEK = 7
MOST_NAMED = 5


def stage(due_on: date, today: date) -> str:
    """How near the day is, as a name that changes only when there is something new to say; empty while it is far.

    What falls on a day off is said on the next working day, because the name is still the same then.
    """
    left = (due_on - today).days
    if left > register().near_days:
        return ""
    if left > 0:
        return f"{due_on} near"
    return f"{due_on} late {-left // WEEK}"


def remind(session: Session, now: datetime) -> int:
    """Queue one message for each owner with something new to hear, and one for each of those in charge; returns how many people.

    A branch in a freeze period hears nothing now; what is still so is said when the period is over.
    """
    today = now.date()
    tasks = _open(session, today)
    frozen = freeze.until(session, {one.row.branch_id for one in tasks}, now=now)
    tasks = [one for one in tasks if one.row.branch_id not in frozen]
    return _remind_owners(session, tasks, now) + _tell_those_in_charge(session, tasks, now)


def _open(session: Session, today: date) -> list[Task]:
    """All tasks that are worked on and near or overdue, or whose owner has left."""
    near = KeyTask.due_on <= today + timedelta(days=register().near_days)
    rows = session.execute(
        select(KeyTask, Member)
        .join(Member, Member.id == KeyTask.owner_id)
        .where(KeyTask.state == TaskState.OPEN, or_(near, ~Member.active))
        .order_by(KeyTask.due_on, KeyTask.id)
    ).all()
    return [Task(row, owner, today) for row, owner in rows]


def _remind_owners(session: Session, tasks: Sequence[Task], now: datetime) -> int:
    theirs: dict[int, list[Task]] = defaultdict(list)
    for one in tasks:
        new = stage(one.row.due_on, now.date())
        if one.owner.active and new and one.row.reminded != new:
            one.row.reminded = new
            theirs[one.owner.id].append(one)
    texts = {owner: _owner_text(own, now) for owner, own in theirs.items()}
    return outbox.push_each(session, texts, key=f"key tasks {now.date()}", now=now)


def _owner_text(tasks: Sequence[Task], now: datetime) -> str:
    # It may be read on another day than it was written, so no "today" stands in it.
    lines = [f"{one.title}，期限 {key_task.due(one.row, now)}" for one in tasks]
    code = tasks[0].code
    head = "提醒：您负责的任务快到期或已到期" if len(tasks) > 1 else "提醒您负责的任务"
    return "\n".join(
        [
            f"{head}：",
            *_cut(lines),
            f"报进度请发：进度 {code} 60% 情况；有困难请发：求助 {code} 缺什么；做完请发：完成任务 {code}",
        ]
    )


def _tell_those_in_charge(session: Session, tasks: Sequence[Task], now: datetime) -> int:
    """Once for each task: it is long overdue, or its owner has left. Secretary and deputy hear it; the others see it in the list."""
    of_branch: dict[int, list[Task]] = defaultdict(list)
    for one in tasks:
        if not one.row.escalated and (-one.left > register().escalate_days or not one.owner.active):
            one.row.escalated = True
            of_branch[one.row.branch_id].append(one)
    told = 0
    for branch, own in of_branch.items():
        lines = [f"{one.title} {one.owner.name}{_why(one, now)}" for one in own]
        text = "\n".join(
            [
                "请过问这些关键任务：",
                *_cut(lines),
                f"看经过请发：任务 {own[0].code}；改期或换人请发：改任务 {own[0].code}",
            ]
        )
        chiefs = [one.id for one in holders(session, Action.MANAGE_TASKS, branch, on=now.date())[:2]]
        told += outbox.push(session, chiefs, text, key=f"key tasks overdue {branch} {now.date()}", now=now)
    return told


def _why(one: Task, now: datetime) -> str:
    if not one.owner.active:
        return "（已离开）"
    return f"，期限 {key_task.due(one.row, now)}已过"


def _cut(lines: Sequence[str]) -> list[str]:
    more = [f"还有 {len(lines) - MOST_NAMED} 项，请发：我的任务 或 任务"] if len(lines) > MOST_NAMED else []
    return [*lines[:MOST_NAMED], *more]
