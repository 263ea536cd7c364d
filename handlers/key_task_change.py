"""改关键任务：改期限、负责人、名称，取消。"""

from __future__ import annotations

from typing import Any

from bot import journal, nlu
from bot.chat import Answer, Ask, Context, Router
from bot.choices import NO, YES, says_no
from bot.errors import Refusal
from bot.models.member import Member
from bot.services import key_task, key_task_line
from bot.services import key_task_plan as plans
from bot.services.key_task import Task
from bot.services.key_task_line import Draft, People
from bot.services.permission import Action

router = Router()

CHOICES = ("确认", "取消")


class WhichTask(Refusal):
    text = "请写任务编号，例如：{example}。发 任务 看有哪些。"


class NotUnderstood(Refusal):
    text = "没看懂要改什么。可以写：改任务 {code} 期限 12月25日；改任务 {code} 负责人 李静；改任务 {code} 名称 城西变大修"


# Changing ---------------------------------------------------------------------------------------------------------------


@router.command(
    "改任务",
    "修改任务",
    "任务改期",
    takes="编号和要改的内容",
    examples=("改任务 RW12 期限 12月25日", "改任务 RW12 负责人 李静"),
    needs=Action.MANAGE_TASKS,
)
def change(ctx: Context, text: str) -> Answer:
    number, rest = key_task_line.number_in(text)
    if number is None:
        raise WhichTask(example="改任务 RW12 期限 12月25日")
    task = plans.managed(ctx.session, ctx.actor, number, today=ctx.now.date())
    plans.require_open(task)
    if not rest:
        ask = f"{task.title}，{task.owner.name}，期限 {key_task.due(task.row, ctx.now)}。\n要改什么？例如：期限 12月25日；负责人 李静；名称 城西变大修"
        return Ask(ask, step=change_what, data={"task": number}, title=f"改任务 {task.code}")
    return _change_asked(ctx, task, rest)


@router.step()
def change_what(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if says_no(text):
        return "好的，没有改动。"
    task = plans.managed(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    return _change_asked(ctx, task, text)


def _change_asked(ctx: Context, task: Task, text: str) -> Ask:
    people = People.of(ctx.session, task.row.branch_id, today=ctx.now.date())
    wish = key_task_line.changes(text, people, ctx.now)
    if wish == Draft():
        raise NotUnderstood(code=task.code)
    made = plans.plan(ctx.session, ctx.actor, task, wish, now=ctx.now)
    numbers = dict.fromkeys([task.row.owner_id, made.values.get("owner_id", task.row.owner_id)])
    names = [ctx.session.get_one(Member, one).name for one in numbers if one != ctx.member.id]
    told = f"\n确认后通知{'、'.join(names)}。" if names else ""
    return Ask(
        f"{task.title}：{made.text}{told}\n1 确认\n2 取消",
        step=change_it,
        data={"task": task.row.id, "wish": key_task_line.to_data(wish)},
        title=f"改任务 {task.code}",
        choices=CHOICES,
    )


@router.step(words=(*CHOICES, *YES, *NO))
def change_it(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if says_no(text):
        return "好的，没有改动。"
    task = plans.managed(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    if nlu.bare(text) not in YES:
        return _change_asked(ctx, task, text)
    made = plans.change(ctx.session, ctx.actor, task, key_task_line.from_data(data["wish"]), now=ctx.now)
    journal.keep_task(ctx, "修改任务", task, made.text)
    return f"已改 {task.code}：{made.text}。看详情请发：任务 {task.code}"


# Calling off --------------------------------------------------------------------------------------------------------------


@router.command(
    "取消任务",
    "删除任务",
    "撤销任务",
    takes="编号和原因",
    examples=("取消任务 RW12 停电计划调整",),
    needs=Action.MANAGE_TASKS,
)
def cancel(ctx: Context, text: str) -> Answer:
    number, why = key_task_line.number_in(text)
    if number is None:
        raise WhichTask(example="取消任务 RW12 停电计划调整")
    task = plans.managed(ctx.session, ctx.actor, number, today=ctx.now.date())
    if task.row.state not in key_task.LIVE:
        raise plans.Over(task=task.title, how=task.light, code=task.code)
    if len(why) < 2:
        ask = f"为什么取消 {task.title}？请写一句原因，{task.owner.name}会看到。"
        return Ask(ask, step=cancel_why, data={"task": number}, title=f"取消任务 {task.code}")
    told = f"会通知{task.owner.name}。" if task.owner.id != ctx.member.id else ""
    return Ask(
        f"要取消 {task.title} 吗？{told}\n原因：{why[:100]}\n1 确认\n2 返回",
        step=cancel_it,
        data={"task": number, "why": why[:100]},
        title=f"取消任务 {task.code}",
        choices=("确认", "返回"),
    )


@router.step()
def cancel_why(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if says_no(text):
        return "好的，没有取消。"
    return cancel(ctx, f"{key_task.code(data['task'])} {text}")


@router.step(words=(*CHOICES, *YES, *NO))
def cancel_it(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if nlu.bare(text) not in YES:
        return "好的，没有取消，任务照旧。"
    task = plans.managed(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    plans.cancel(ctx.session, ctx.actor, task, data["why"], now=ctx.now)
    journal.keep_task(ctx, "取消任务", task, data["why"])
    told = f"，正在通知{task.owner.name}" if task.owner.id != ctx.member.id else ""
    return f"已取消 {task.title}{told}。看清单请发：任务"
