"""做关键任务：负责人报进度、求助、报完成，支部回复、确认、退回。"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot import choices, journal, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.choices import NO, YES, says_no
from bot.errors import Refusal
from bot.models.key_task import TaskState
from bot.services import key_task
from bot.services import key_task_work as work
from bot.services.key_task import Task
from bot.services.key_task_line import number_in
from bot.services.permission import Action
from bot.services.points import short

router = Router()

CHOICES = ("确认", "取消")
_ASKING = re.compile(r"(?:是)?(?:怎么样|怎样|如何|多少|到哪了?|吗|什么).{0,4}")


class NothingOwned(Refusal):
    text = "您现在没有正在做的任务。看支部的请发：任务；其他功能请发：菜单"


class NothingWaits(Refusal):
    text = "现在没有等您确认的任务。看清单请发：任务"


class NobodyAsks(Refusal):
    text = "请写任务编号和内容，例如：回复任务 RW12 吊车明天上午到"


def _numbered(ctx: Context, word: str, tasks: Sequence[Task], rest: str) -> Reply:
    """The question which of several tasks is meant."""
    shown = tasks[:8]
    lines = [f"{n} {one.title}" for n, one in enumerate(shown, 1)]
    words = tuple(f"{word} {one.code} {rest}".strip() for one in shown)
    return Reply("\n".join(["是哪一项？", *lines, "回复数字即可。"]), choices=words)


def _own(ctx: Context) -> list[Task]:
    """The tasks that the sender works on."""
    tasks = key_task.mine(ctx.session, ctx.member, today=ctx.now.date())
    found = [one for one in tasks if one.row.state is TaskState.OPEN]
    if not found:
        raise NothingOwned
    return found


# The owner ----------------------------------------------------------------------------------------------------------------


@router.command(
    "进度",
    "更新进度",
    "报进度",
    takes="编号、百分比或情况",
    optional=True,
    examples=("进度 RW12 60% 完成停电申请", "进度 60%"),
)
def progress(ctx: Context, text: str = "") -> Answer:
    number, rest = number_in(text)
    if number is not None and "rw" not in text.lower():
        # "进度 60": a number that is no task of one's own is a percentage.
        own = {one.row.id for one in key_task.mine(ctx.session, ctx.member, today=ctx.now.date())}
        number, rest = (number, rest) if number in own else (None, text)
    if _ASKING.fullmatch(rest):
        return choices.run(ctx, "任务", key_task.code(number)) if number else choices.run(ctx, "我的任务")
    if number is None:
        own_ones = _own(ctx)
        if len(own_ones) > 1:
            return _numbered(ctx, "进度", own_ones, rest)
        number = own_ones[0].row.id
    task = work.own(ctx.session, ctx.actor, number, today=ctx.now.date())
    if not rest:
        ask = f"{task.title} 现在 {task.row.progress}%，{task.until}。做到哪了？例如：60% 完成停电申请"
        return Ask(ask, step=how_far, data={"task": number}, title=f"{task.code} 进度")
    return _progressed(ctx, task, rest)


@router.step()
def how_far(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    task = work.own(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    return _progressed(ctx, task, text)


def _progressed(ctx: Context, task: Task, text: str) -> str:
    what = work.progress_in(text, task.code)
    work.progress(ctx.session, task, what, now=ctx.now)
    said = f"：{short(what.text, 30)}" if what.text else ""
    tail = (
        f"做完请发：完成任务 {task.code}"
        if task.row.progress < 100
        else f"都做完了请发：完成任务 {task.code}"
    )
    percent = f" {task.row.progress}%" if what.percent is not None or task.row.progress else ""
    return f"已记下 {task.title}{percent}{said}\n{task.until}。{tail}；有困难请发：求助 {task.code} 缺什么"


@router.command("求助", takes="编号和需要什么", optional=True, examples=("求助 RW12 缺吊车",))
def help_(ctx: Context, text: str = "") -> Answer:
    number, rest = number_in(text)
    if number is not None:
        task = work.own(ctx.session, ctx.actor, number, today=ctx.now.date())
        if len(rest) >= 2:
            return _helped(ctx, task, rest)
        ask = f"{task.title} 需要什么帮助？例如：缺吊车"
        return Ask(ask, step=help_with, data={"task": number}, title=f"{task.code} 求助")
    found = _own(ctx)
    if len(found) > 1:
        return _numbered(ctx, "求助", found, rest)
    if not rest:
        return help_(ctx, found[0].code)
    # The number was not said: what everybody in charge is told of is asked for once more.
    ask = f"在任务 {found[0].title} 上求助“{short(rest, 30)}”，会马上告诉支部书记、委员。\n1 确认\n2 取消"
    data = {"task": found[0].row.id, "text": rest}
    return Ask(ask, step=help_sure, data=data, title=f"{found[0].code} 求助", choices=CHOICES)


@router.step()
def help_with(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if says_no(text):
        return "好的，没有求助。"
    task = work.own(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    return _helped(ctx, task, text)


@router.step(words=(*CHOICES, *YES, *NO))
def help_sure(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """Whatever is neither yes nor no is said to those in charge as well."""
    if says_no(text):
        return "好的，没有求助。要求助请发：求助 任务编号 需要什么"
    task = work.own(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    return _helped(ctx, task, data["text"] if nlu.bare(text) in YES else f"{data['text']}，{text}")


def _helped(ctx: Context, task: Task, text: str) -> str:
    told = work.ask_for_help(ctx.session, task, text, now=ctx.now)
    names = choices.names_text([one.name for one in told])
    who = f"正在告诉{names}" if told else "本支部没有其他负责人，请联系上级党委"
    return f"已记下 {task.title} 求助：{short(text, 30)}\n{who}。有回复会发给您。"


@router.command(
    "完成任务",
    "完成",
    takes="编号和说明",
    optional=True,
    examples=("完成任务 RW12 已送电，记录已归档", "完成 RW12"),
)
def finish(ctx: Context, text: str = "") -> Answer:
    number, rest = number_in(text)
    if number is not None:
        return _finished(ctx, work.own(ctx.session, ctx.actor, number, today=ctx.now.date()), rest)
    found = _own(ctx)
    if len(found) > 1:
        return _numbered(ctx, "完成任务", found, rest)
    said = f"\n说明：{short(rest, 40)}" if rest else "\n也可以直接写一句做了什么"
    ask = f"要报任务 {found[0].title} 已完成吗？会请支部确认。\n1 确认\n2 取消{said}"
    data = {"task": found[0].row.id, "text": rest}
    return Ask(ask, step=finish_sure, data=data, title=f"完成 {found[0].code}", choices=CHOICES)


@router.step(words=(*CHOICES, *YES, *NO))
def finish_sure(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """Where nothing was said of what was done, whatever is neither yes nor no says it; that can be taken back."""
    sure = nlu.bare(text) in YES
    if says_no(text) or (data["text"] and not sure):
        return "好的，没有报完成。报进度请发：进度 60% 情况"
    task = work.own(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    return _finished(ctx, task, data["text"] if sure else text)


def _finished(ctx: Context, task: Task, text: str) -> Reply:
    late = f"（超过期限 {-task.left} 天）" if task.left < 0 else ""
    work.report(ctx.session, task, text, now=ctx.now)
    return Reply(
        f"已报 {task.title} 完成{late}，等{work.confirmers(ctx.session, task)}确认。\n报错了5分钟内可回复 撤销。",
        undo=Undo(unfinish, {"task": task.row.id}),
    )


@router.undo
def unfinish(ctx: Context, task: int) -> str:
    found = work.withdraw_report(ctx.session, ctx.actor, task, now=ctx.now)
    if found is None:
        return f"{key_task.code(task)} 已经处理过，不能撤销。发 任务 {key_task.code(task)} 看经过。"
    return f"已撤销，{found.title} 还没有完成。报进度请发：进度 {found.code} 60% 情况"


# Those in charge ------------------------------------------------------------------------------------------------------------


@router.command(
    "回复任务",
    "答复任务",
    takes="编号和内容",
    examples=("回复任务 RW12 吊车明天上午到",),
    needs=Action.MANAGE_TASKS,
)
def reply(ctx: Context, text: str) -> Answer:
    number, rest = number_in(text)
    if number is None:
        raise NobodyAsks
    task = work.reply(ctx.session, ctx.actor, number, rest, now=ctx.now)
    journal.keep_task(ctx, "回复任务", task, rest)
    told = f"，正在告诉{task.owner.name}" if task.owner.id != ctx.member.id else ""
    return f"已记下对 {task.title} 的回复{told}：{short(rest, 30)}\n看经过请发：任务 {task.code}"


@router.command(
    "确认任务",
    takes="编号",
    optional=True,
    examples=("确认任务 RW12", "确认任务"),
    needs=Action.MANAGE_TASKS,
)
def confirm(ctx: Context, text: str = "") -> Answer:
    number, _ = number_in(text)
    if number is None:
        waits = key_task.to_confirm(ctx.session, ctx.actor, today=ctx.now.date())
        if not waits:
            raise NothingWaits
        if len(waits) > 1:
            return _numbered(ctx, "确认任务", waits, "")
        return choices.run(ctx, "任务", waits[0].code)
    done = work.confirm(ctx.session, ctx.actor, number, now=ctx.now)
    task = done.task
    points = f"，记 +{done.points} 分" if done.points else ""
    how = f"按期{points}" if done.in_time else "超过期限，不记积分"
    journal.keep_task(ctx, "确认任务", task, how)
    return Reply(
        f"已确认 {task.title} 完成（{how}），会告诉{task.owner.name}。\n5分钟内可回复 撤销；看清单请发：任务",
        undo=Undo(unconfirm, {"task": task.row.id}),
    )


@router.undo
def unconfirm(ctx: Context, task: int) -> str:
    found, earned = work.unconfirm(ctx.session, ctx.actor, task, now=ctx.now)
    journal.keep_task(ctx, "撤销确认任务", found, found.owner.name)
    return f"已撤销确认 {found.title}，又在等确认{'；记的分已更正' if earned else ''}。可发：确认任务 {found.code}，或 退回任务 {found.code} 原因"


@router.command(
    "退回任务",
    takes="编号和原因",
    examples=("退回任务 RW12 缺试验报告",),
    needs=Action.MANAGE_TASKS,
)
def send_back(ctx: Context, text: str) -> Answer:
    number, why = number_in(text)
    if number is None:
        raise Refusal("请写任务编号和原因，例如：退回任务 RW12 缺试验报告")
    task = work.return_(ctx.session, ctx.actor, number, why, now=ctx.now)
    journal.keep_task(ctx, "退回任务", task, why)
    return f"已退回 {task.title}，会告诉{task.owner.name}：{short(why, 30)}\n看清单请发：任务"
