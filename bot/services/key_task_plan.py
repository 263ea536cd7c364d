"""Putting key tasks on the register, changing and calling them off: for those in charge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.key_task import KeyTask, StepKind, TaskState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.services import key_task, key_task_reminder, outbox
from bot.services.key_task import Task
from bot.services.key_task_line import Draft
from bot.services.permission import Action, Actor, OutsideYourBranch
from bot.times import day

MOST_AT_ONCE = 10


class Over(Refusal):
    text = "{task}{how}，不能再改。发 任务 {code} 看经过。"


class WaitsForConfirmation(Refusal):
    text = "{task}已报完成，正在等确认。请先发：确认任务 {code}，或 退回任务 {code} 原因"


class NothingChanges(Refusal):
    text = "{task}本来就是这样，没有改动。可以写：改任务 {code} 期限 12月25日；改任务 {code} 负责人 李静"


class OwnDay(Refusal):
    text = "{task}由您自己负责，推迟期限请其他负责人来改：{who}。"


def managed(session: Session, actor: Actor, number: int, *, today: date) -> Task:
    """A task of a branch of which the actor is in charge; :class:`~bot.services.key_task.NoSuchTask` or :class:`OutsideYourBranch`."""
    actor.require(Action.MANAGE_TASKS)
    task = key_task.find(session, actor, number, today=today)
    if not actor.may_in(session, Action.MANAGE_TASKS, task.row.branch_id):
        raise OutsideYourBranch(what=f"任务 {task.code}")
    return task


# New tasks ------------------------------------------------------------------------------------------------------------


def create(
    session: Session, actor: Actor, branch: Organisation, drafts: Sequence[Draft], *, now: datetime
) -> list[Task]:
    """Put complete drafts on the register of a branch; each owner is told once, of all that are theirs."""
    tasks = []
    for draft in drafts:
        assert draft.owner_id is not None, "a draft without an owner was created"
        assert draft.due_on is not None, "a draft without a day was created"
        row = KeyTask(
            branch_id=branch.id,
            name=draft.name,
            category=draft.category,
            owner_id=draft.owner_id,
            due_on=draft.due_on,
            state=TaskState.OPEN,
            created_by=actor.member.id,
            created_at=now,
            reminded=key_task_reminder.stage(draft.due_on, now.date()),
        )
        session.add(row)
        session.flush()
        key_task.tell(session, row, StepKind.CREATED, actor.member, now=now)
        tasks.append(Task(row, session.get_one(Member, draft.owner_id), now.date()))
    theirs: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        theirs[task.owner.id].append(task)
    for owner, own in theirs.items():
        if owner != actor.member.id:
            key = f"key task {own[0].row.id} new"
            outbox.push(
                session, [owner], _new(actor.member, own, now), key=key, now=now, urgency=Urgency.ANSWER
            )
    return tasks


def _new(by: Member, tasks: Sequence[Task], now: datetime) -> str:
    lines = [f"{one.title}，期限 {key_task.due(one.row, now)}" for one in tasks]
    code = tasks[0].code
    many = f" {len(tasks)} 项" if len(tasks) > 1 else ""
    return "\n".join(
        [
            f"{by.name}请您负责{many}关键任务：",
            *lines,
            f"报进度请发：进度 {code} 60% 情况",
            f"有困难请发：求助 {code} 缺什么；做完请发：完成任务 {code}",
        ]
    )


# Changing -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What would be changed of a task: ``values`` by column, ``text`` in words (期限 12月20日 → 12月25日)."""

    values: dict[str, Any]
    text: str


def plan(session: Session, actor: Actor, task: Task, wish: Draft, *, now: datetime) -> Change:
    """What a wish changes of an open task; :class:`NothingChanges`, :class:`OwnDay`, :class:`Over`, :class:`WaitsForConfirmation`."""
    require_open(task)
    if wish.due_on and wish.due_on > task.row.due_on:
        _require_another(session, actor, task)
    row, values, said = task.row, dict[str, Any](), list[str]()
    if wish.name and wish.name != row.name:
        values["name"] = wish.name
        said.append(f"名称 {row.name} → {wish.name}")
    if wish.owner_id and wish.owner_id != row.owner_id:
        values["owner_id"] = wish.owner_id
        said.append(f"负责人 {task.owner.name} → {session.get_one(Member, wish.owner_id).name}")
    if wish.due_on and wish.due_on != row.due_on:
        values["due_on"] = wish.due_on
        said.append(f"期限 {day(row.due_on, now)} → {day(wish.due_on, now)}")
    if wish.category and wish.category != row.category:
        values["category"] = wish.category
        said.append(f"类别 {row.category or '无'} → {wish.category}")
    if not values:
        raise NothingChanges(task=task.title, code=task.code)
    return Change(values, "；".join(said))


def _require_another(session: Session, actor: Actor, task: Task) -> None:
    """The day decides about points, so nobody puts off the own one, as long as somebody else is there to do it."""
    others = key_task.in_charge(session, task.row, on=task.today)
    if task.row.owner_id == actor.member.id and others:
        raise OwnDay(task=task.title, who="、".join(one.name for one in others[:2]))


def require_open(task: Task) -> None:
    """:class:`Over` or :class:`WaitsForConfirmation` unless the task is being worked on."""
    if task.row.state is TaskState.REPORTED:
        raise WaitsForConfirmation(task=task.title, code=task.code)
    if task.row.state is not TaskState.OPEN:
        raise Over(task=task.title, how=task.light, code=task.code)


def change(session: Session, actor: Actor, task: Task, wish: Draft, *, now: datetime) -> Change:
    """Change an open task; the owner is told, at a change of owners both of them. Refusals as of :func:`plan`."""
    made = plan(session, actor, task, wish, now=now)
    values = dict(made.values)
    if "due_on" in values:
        values |= {"reminded": key_task_reminder.stage(values["due_on"], now.date()), "escalated": False}
    if "owner_id" in values:
        values["help_at"] = None
    old = task.row.owner_id
    move(session, task, (TaskState.OPEN,), **values)
    step = key_task.tell(session, task.row, StepKind.CHANGED, actor.member, made.text, now=now)
    title = f"{task.code} {task.row.name}"
    told = {
        task.row.owner_id: f"{actor.member.name}改了您负责的任务 {title}：{made.text}。发 任务 {task.code} 看详情。"
    }
    if task.row.owner_id != old:
        told[old] = (
            f"任务 {title} 已改由{session.get_one(Member, task.row.owner_id).name}负责，您不用再管了。"
        )
        told[task.row.owner_id] = (
            f"{actor.member.name}请您接手关键任务 {title}，期限 {key_task.due(task.row, now)}。\n"
            f"看经过请发：任务 {task.code}；报进度请发：进度 {task.code} 60% 情况"
        )
    told.pop(actor.member.id, None)
    outbox.push_each(
        session, told, key=f"key task {task.row.id} step {step.id}", now=now, urgency=Urgency.ANSWER
    )
    return made


def cancel(
    session: Session, actor: Actor, task: Task, why: str, *, now: datetime, quietly: bool = False
) -> None:
    """Call a task off, also one that waits to be confirmed; the owner is told, unless ``quietly``."""
    move(
        session,
        task,
        key_task.LIVE,
        state=TaskState.CANCELLED,
        decided_by=actor.member.id,
        decided_at=now,
    )
    step = key_task.tell(session, task.row, StepKind.CANCELLED, actor.member, why, now=now)
    if task.row.owner_id != actor.member.id and not quietly:
        text = f"{actor.member.name}取消了您负责的任务 {task.title}：{why}。您不用再管了。"
        key = f"key task {task.row.id} step {step.id}"
        outbox.push(session, [task.row.owner_id], text, key=key, now=now, urgency=Urgency.ANSWER)


def take_back(session: Session, actor: Actor, tasks: Sequence[Task], *, now: datetime) -> None:
    """Call off what was put on the register together a moment ago; an owner whom the word of it has not reached is not told."""
    unsent = set[int]()
    for task in tasks:
        unsent.update(outbox.forget(session, f"key task {task.row.id} new", now=now))
    for task in tasks:
        cancel(session, actor, task, "撤销新建", now=now, quietly=task.row.owner_id in unsent)


def move(session: Session, task: Task, before: Sequence[TaskState], **values: Any) -> None:
    """Change a task that is still in one of the states; of two people at once only the first does, the other gets :class:`Over`."""
    moved = session.scalar(
        update(KeyTask)
        .where(KeyTask.id == task.row.id, KeyTask.state.in_(before))
        .values(**values)
        .returning(KeyTask.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(task.row)
    if moved is None:
        require_open(task)
        raise Over(task=task.title, how=f"现在是{task.light}", code=task.code)
