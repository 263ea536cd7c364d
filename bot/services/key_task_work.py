"""Working on key tasks: the owner reports progress, asks for help and says when it is done; somebody else in charge confirms or returns it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.key_task import StepKind, TaskState
from bot.models.member import Member
from bot.models.outbox import Urgency
from bot.services import key_task, key_task_points, outbox, points
from bot.services.key_task import Task
from bot.services.key_task_plan import Over, managed, move
from bot.services.permission import Actor

LONGEST = 300
_PERCENT = re.compile(
    r"(?:^|(?<=[\s,，。;；:：、])|(?:已经?|大约|约)?(?:完成|进度|做|干)(?:到|了|约)?)\s*(?<![\d.])(?P<sure>\d{1,4})\s*%\s*(?:了|左右)?"
)
"""How far it is: no figure that is about something else, such as 合格率98% or 3.5%."""


class NotYours(Refusal):
    text = "{task}由{owner}负责，进度和完成由本人报。您有话要说可以发：回复任务 {code} 内容（支部书记、委员）"


class NothingReported(Refusal):
    text = "请写百分比或情况，例如：进度 {code} 60% 完成停电申请"


class TooMuch(Refusal):
    text = "进度最多 100%，您写的是 {percent}%。例如：进度 {code} 60% 完成停电申请"


class HelpMissing(Refusal):
    text = "请写需要什么帮助，例如：求助 {code} 缺吊车"


class TooLong(Refusal):
    text = f"写得太长了（最多 {LONGEST} 个字），请写短一些。"


class AlreadyReported(Refusal):
    text = "{task}已报完成，正在等{who}确认。报错了请联系他们发：退回任务 {code} 原因"


class NotReported(Refusal):
    text = "{task}还没有报完成，不用确认。负责人{owner}做完后会发：完成任务 {code}"


class DecidedAlready(Refusal):
    text = "{task}刚才已经由{who}处理：{how}。"


class NotByTheOwner(Refusal):
    text = "{task}由您负责，要由别人确认：{who}。"


class ReasonMissing(Refusal):
    text = "请写一句退回的原因，{owner}会看到。例如：退回任务 {code} 缺试验报告"


class ReplyMissing(Refusal):
    text = "请写回复的内容，{owner}会收到。例如：回复任务 {code} 吊车明天上午到"


def own(session: Session, actor: Actor, number: int, *, today: date) -> Task:
    """An own task that is worked on. :class:`NotYours`, :class:`AlreadyReported`, :class:`~bot.services.key_task_plan.Over`."""
    task = key_task.find(session, actor, number, today=today)
    if task.row.owner_id != actor.member.id:
        raise NotYours(task=task.title, owner=task.owner.name, code=task.code)
    _require_working(session, task)
    return task


def _require_working(session: Session, task: Task) -> None:
    if task.row.state is TaskState.REPORTED:
        raise AlreadyReported(task=task.title, who=confirmers(session, task), code=task.code)
    if task.row.state is not TaskState.OPEN:
        raise Over(task=task.title, how=task.light, code=task.code)


def confirmers(session: Session, task: Task) -> str:
    """Who may confirm, in words."""
    names = [one.name for one in key_task.in_charge(session, task.row, on=task.today)]
    return "、".join(names[:2]) + ("等" if len(names) > 2 else "") if names else "上级党委的管理员"


# The owner ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """What was reported: a percentage, words, or both."""

    percent: int | None
    text: str


def progress_in(said: str, code: str) -> Progress:
    """ "60% 完成停电申请" in its parts; a number alone is a percentage. :class:`NothingReported`, :class:`TooMuch`."""
    found = _PERCENT.search(said)
    percent = int(found["sure"]) if found else None
    if found is None and re.fullmatch(r"\d{1,3}", said.strip()):
        percent, text = int(said), ""
    else:
        text = f"{said[: found.start()]} {said[found.end() :]}" if found else said
    text = text.strip(" ,，。:：、;；\n")
    if percent is None and not text:
        raise NothingReported(code=code)
    if percent is not None and percent > 100:
        raise TooMuch(percent=percent, code=code)
    return Progress(percent, _fit(text))


def _fit(text: str) -> str:
    if len(text) > LONGEST:
        raise TooLong
    return text


def progress(session: Session, task: Task, what: Progress, *, now: datetime) -> None:
    """The owner says how far it is."""
    values = {} if what.percent is None else {"progress": what.percent}
    move(session, task, (TaskState.OPEN,), state=TaskState.OPEN, **values)
    said = " ".join(filter(None, (f"{what.percent}%" if what.percent is not None else "", what.text)))
    key_task.tell(session, task.row, StepKind.PROGRESS, task.owner, said, now=now)


def ask_for_help(session: Session, task: Task, text: str, *, now: datetime) -> list[Member]:
    """The owner asks for help; those in charge are told at once. Returns them."""
    if len(text) < 2:
        raise HelpMissing(code=task.code)
    move(session, task, (TaskState.OPEN,), help_at=now)
    step = key_task.tell(session, task.row, StepKind.HELP, task.owner, _fit(text), now=now)
    able = key_task.in_charge(session, task.row, on=now.date())
    told = f"{task.owner.name}在任务 {task.title} 上求助：{text}\n答复请发：回复任务 {task.code} 内容"
    _push(session, task, [one.id for one in able], told, step.id, now)
    return able


def report(session: Session, task: Task, text: str, *, now: datetime) -> None:
    """The owner says that it is done; the first of those in charge is asked to confirm."""
    values = {"state": TaskState.REPORTED, "reported_on": now.date(), "help_at": None}
    move(session, task, (TaskState.OPEN,), **values)
    step = key_task.tell(session, task.row, StepKind.REPORTED, task.owner, _fit(text), now=now)
    able = key_task.in_charge(session, task.row, on=now.date())
    said = f"：{text}" if text else ""
    told = f"{task.owner.name}报任务 {task.title} 已完成{said}\n请发：确认任务 {task.code}，或 退回任务 {task.code} 原因"
    _push(session, task, [one.id for one in able[:1]], told, step.id, now)


def withdraw_report(session: Session, actor: Actor, number: int, *, now: datetime) -> Task | None:
    """The owner takes the report back; None when it was decided already."""
    task = key_task.find(session, actor, number, today=now.date())
    if task.row.owner_id != actor.member.id or task.row.state is not TaskState.REPORTED:
        return None
    move(session, task, (TaskState.REPORTED,), state=TaskState.OPEN, reported_on=None)
    key_task.tell(session, task.row, StepKind.WITHDRAWN, actor.member, now=now)
    return task


# Those in charge --------------------------------------------------------------------------------------------------------


def reply(session: Session, actor: Actor, number: int, text: str, *, now: datetime) -> Task:
    """An answer to the owner, in the story; a call for help is answered by it."""
    task = managed(session, actor, number, today=now.date())
    if task.row.state not in key_task.LIVE:
        raise Over(task=task.title, how=task.light, code=task.code)
    if len(text) < 2:
        raise ReplyMissing(owner=task.owner.name, code=task.code)
    move(session, task, key_task.LIVE, help_at=None)
    step = key_task.tell(session, task.row, StepKind.REPLY, actor.member, _fit(text), now=now)
    if task.owner.id != actor.member.id:
        told = f"{actor.member.name}回复您的任务 {task.title}：{text}"
        _push(session, task, [task.owner.id], told, step.id, now)
    return task


def decidable(session: Session, actor: Actor, number: int, *, today: date) -> Task:
    """A task that the actor may confirm or return.

    :class:`NotByTheOwner`, :class:`NotReported`, :class:`DecidedAlready`, and what :func:`~bot.services.key_task_plan.managed` raises.
    """
    task = managed(session, actor, number, today=today)
    if task.row.state is TaskState.REPORTED and task.row.owner_id == actor.member.id:
        raise NotByTheOwner(task=task.title, who=confirmers(session, task))
    if task.row.state is not TaskState.REPORTED:
        raise _not_waiting(session, task)
    return task


def _not_waiting(session: Session, task: Task) -> Refusal:
    if task.row.state is TaskState.OPEN:
        return NotReported(task=task.title, owner=task.owner.name, code=task.code)
    who = session.get(Member, task.row.decided_by) if task.row.decided_by else None
    return DecidedAlready(task=task.title, who=who.name if who else "别人", how=task.light)


def _decide(session: Session, task: Task, **values: object) -> None:
    """Only the first of two deciders does it."""
    try:
        move(session, task, (TaskState.REPORTED,), **values)
    except Over:
        raise _not_waiting(session, task) from None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A task that is done. ``in_time``: the owner said so by its day; ``points`` are what was given for that, 0 above a cap or without a rule."""

    task: Task
    in_time: bool
    points: int


def confirm(session: Session, actor: Actor, number: int, *, now: datetime) -> Confirmed:
    """Somebody in charge, not the owner, says that it is done; who did it in time earns points by the rule, and is told."""
    task = decidable(session, actor, number, today=now.date())
    _decide(
        session,
        task,
        state=TaskState.DONE,
        decided_by=actor.member.id,
        decided_at=now,
    )
    in_time = task.row.reported_on is not None and task.row.reported_on <= task.row.due_on
    given = key_task_points.award(session, actor, task, now) if in_time else 0
    # The story is for everybody in the branch; what somebody earned is not.
    how = "按期" if in_time else "超过期限"
    step = key_task.tell(session, task.row, StepKind.CONFIRMED, actor.member, how, now=now)
    told = f"{actor.member.name}确认您的任务 {task.title} 已完成。{_outcome(in_time, given)}。"
    _push(session, task, [task.owner.id], told, step.id, now)
    return Confirmed(task, in_time, given)


def _outcome(in_time: bool, given: int) -> str:
    if not in_time:
        return "超过期限，不记积分"
    return f"按期，记 +{given} 分" if given else "按期"


def return_(session: Session, actor: Actor, number: int, why: str, *, now: datetime) -> Task:
    """Somebody in charge, not the owner, says that it is not done yet, and why; the owner is told."""
    task = decidable(session, actor, number, today=now.date())
    if len(why) < 2:
        raise ReasonMissing(owner=task.owner.name, code=task.code)
    _decide(session, task, state=TaskState.OPEN, reported_on=None)
    step = key_task.tell(session, task.row, StepKind.RETURNED, actor.member, _fit(why), now=now)
    told = f"{actor.member.name}退回了您的任务 {task.title}：{why}\n补好后再发：完成任务 {task.code}"
    _push(session, task, [task.owner.id], told, step.id, now)
    return task


def unconfirm(session: Session, actor: Actor, number: int, *, now: datetime) -> tuple[Task, bool]:
    """Take a confirmation back: the task waits again, what was earned (whether anything was) is reversed, and the owner is told."""
    task = managed(session, actor, number, today=now.date())
    if task.row.state is not TaskState.DONE:
        raise _not_waiting(session, task)
    move(session, task, (TaskState.DONE,), state=TaskState.REPORTED, decided_by=None, decided_at=None)
    step = key_task.tell(session, task.row, StepKind.UNCONFIRMED, actor.member, now=now)
    entry = key_task_points.entry_of(session, task)
    if entry is not None:
        points.correct(
            session, entry, 0, reason=f"撤销确认任务{task.code}", giver_id=actor.member.id, now=now
        )
    told = f"{actor.member.name}撤销了对任务 {task.title} 的确认{'，记的分已更正' if entry else ''}。"
    _push(session, task, [task.owner.id], told, step.id, now)
    return task, entry is not None


def _push(session: Session, task: Task, members: list[int], text: str, step: int, now: datetime) -> None:
    key = f"key task {task.row.id} step {step}"
    outbox.push(session, members, text, key=key, now=now, urgency=Urgency.ANSWER)
