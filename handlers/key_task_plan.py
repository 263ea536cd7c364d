"""关键任务清单：负责人新建、修改、取消。"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from bot import journal, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.choices import NO, YES
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services import key_task, key_task_line
from bot.services import key_task_plan as plans
from bot.services.key_task import Task
from bot.services.key_task_line import Draft, People
from bot.services.permission import Action
from bot.services.points import short
from bot.times import day

router = Router()

CHOICES = ("确认", "取消")
_BULLET = re.compile(r"^\s*(?:\d{1,2}\s*(?:[、)）]|[.．](?!\d))|[-·•*])\s*")
_QUESTIONS = {
    "name": ("任务叫什么？", "请写任务名称，例如：110kV城西变检修"),
    "owner": ("谁负责？请写本支部的人，例如：张伟", "请写负责人姓名，例如：张伟"),
    "due": ("哪天前完成？例如：12月20日、月底", "请写期限，例如：12月20日"),
}
_LACKS = {"name": "任务名称", "owner": "负责人", "due": "期限"}


class LineIncomplete(Refusal):
    text = "第 {place} 行还差{what}：{line}\n一行一项，例如：城西变检修 张伟 12月20日"


class TooMany(Refusal):
    text = f"一次最多新建 {plans.MOST_AT_ONCE} 项，请分几次发。"


class WhichTask(Refusal):
    text = "请写任务编号，例如：{example}。发 任务 看有哪些。"


class NotUnderstood(Refusal):
    text = "没看懂要改什么。可以写：改任务 {code} 期限 12月25日；改任务 {code} 负责人 李静；改任务 {code} 名称 城西变大修"


# New tasks --------------------------------------------------------------------------------------------------------------


@router.command(
    "新建任务",
    "添加任务",
    "新增任务",
    "布置任务",
    "安排任务",
    takes="任务、负责人和期限",
    examples=("新建任务 110kV城西变检修 张伟 12月20日",),
    needs=Action.MANAGE_TASKS,
)
def new(ctx: Context, text: str) -> Answer:
    branch = _branch(ctx, ctx.actor.branch_id)
    people = People.of(ctx.session, branch.id, today=ctx.now.date())
    written = nlu.as_written(ctx.message.text, text).splitlines()
    lines = [line for line in (nlu.clean(_BULLET.sub("", one)) for one in written) if line]
    if len(lines) > plans.MOST_AT_ONCE:
        raise TooMany
    drafts = [key_task_line.read(line, people, ctx.now) for line in lines]
    if len(drafts) > 1:
        for place, (draft, line) in enumerate(zip(drafts, lines, strict=True), 1):
            if draft.missing:
                raise LineIncomplete(place=place, what=_LACKS[draft.missing], line=short(line, 20))
        return _preview(ctx, branch, drafts)
    return _asked_or_shown(ctx, branch, drafts[0] if drafts else Draft())


def _no(text: str) -> bool:
    """Whether somebody gives up: 算了 is not 算 with padding."""
    return text in NO or nlu.bare(text) in NO


def _branch(ctx: Context, branch_id: int) -> Organisation:
    return ctx.actor.on_branch(ctx.session, Action.MANAGE_TASKS, branch_id)


def _asked_or_shown(ctx: Context, branch: Organisation, draft: Draft) -> Ask:
    """The question for what is missing, else the preview."""
    if not draft.missing:
        return _preview(ctx, branch, [draft])
    head = f"任务：{draft.name}。" if draft.name else ""
    return Ask(
        f"{head}{_QUESTIONS[draft.missing][0]}",
        step=fill,
        data={"branch": branch.id, "draft": _to_data(draft)},
        title="新建任务",
    )


@router.step()
def fill(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the question for what was missing; it may hold more than that."""
    if _no(text):
        return "好的，没有新建。看现有的请发：任务"
    branch, draft = _branch(ctx, data["branch"]), _from_data(data["draft"])
    people = People.of(ctx.session, branch.id, today=ctx.now.date())
    filled = key_task_line.read(text, people, ctx.now, draft)
    if filled.missing == draft.missing:
        if draft.missing == "owner":
            raise key_task_line.NoSuchOwner(name=text[:12])
        if draft.missing == "due":
            filled = key_task_line.with_value(filled, "due", text, people, ctx.now)
    return _asked_or_shown(ctx, branch, filled)


def _preview(ctx: Context, branch: Organisation, drafts: Sequence[Draft]) -> Ask:
    owners = {one.id: one.name for one in _owners(ctx, drafts)}
    told = "、".join(name for number, name in owners.items() if number != ctx.member.id)
    if len(drafts) == 1:
        [draft] = drafts
        lines = [
            f"新建任务：{draft.name}{f'（{draft.category}）' if draft.category else ''}",
            f"负责人 {owners[draft.owner_id or 0]}，期限 {_due(ctx, draft)}",
        ]
        edit = "要改直接写，例如：期限 12月25日"
    else:
        lines = [
            f"新建 {len(drafts)} 项任务：",
            *(f"· {short(one.name, 14)} {owners[one.owner_id or 0]} {_due(ctx, one)}" for one in drafts),
        ]
        edit = ""
    lines += [f"已有同名的任务 {twin}，请核对。" for twin in _twins(ctx, branch, drafts)]
    lines += [f"确认后通知{told}。" if told else "", edit, "1 确认\n2 取消"]
    data = {"branch": branch.id, "drafts": [_to_data(one) for one in drafts]}
    return Ask("\n".join(filter(None, lines)), step=confirm, data=data, title="新建任务", choices=CHOICES)


def _due(ctx: Context, draft: Draft) -> str:
    return day(draft.due_on, ctx.now) if draft.due_on else ""


def _owners(ctx: Context, drafts: Sequence[Draft]) -> Sequence[Member]:
    numbers = [one.owner_id for one in drafts]
    return ctx.session.scalars(select(Member).where(Member.id.in_(numbers)).order_by(Member.id)).all()


def _twins(ctx: Context, branch: Organisation, drafts: Sequence[Draft]) -> list[str]:
    """Live tasks of the branch with the same name."""
    names = {one.name for one in drafts}
    tasks = key_task.of_branch(ctx.session, branch.id, today=ctx.now.date())
    return [one.code for one in tasks if one.row.name in names]


@router.step(words=(*CHOICES, *YES, *NO))
def confirm(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the preview: confirm, give up, or a change."""
    said = nlu.bare(text)
    if _no(text):
        return "好的，没有新建。看现有的请发：任务"
    branch, drafts = _branch(ctx, data["branch"]), [_from_data(one) for one in data["drafts"]]
    if said not in YES:
        return _edited(ctx, branch, drafts, text)
    for draft in drafts:
        if draft.due_on is not None:
            key_task_line.fit(draft.due_on, ctx.now)
    tasks = plans.create(ctx.session, ctx.actor, branch, drafts, now=ctx.now)
    for one in tasks:
        _note(ctx, "新建任务", one, f"{one.owner.name} {one.row.due_on}")
    names = "、".join(dict.fromkeys(one.owner.name for one in tasks if one.owner.id != ctx.member.id))
    told = f"，正在通知{names}" if names else ""
    what = tasks[0].title if len(tasks) == 1 else f"{len(tasks)} 项任务（{tasks[0].code}–{tasks[-1].code}）"
    undo = Undo(undo_new, {"tasks": [one.row.id for one in tasks]})
    return Reply(f"已新建 {what}{told}。\n5分钟内可回复 撤销；看清单请发：任务", undo=undo)


def _edited(ctx: Context, branch: Organisation, drafts: Sequence[Draft], text: str) -> Ask:
    """The preview again, with what the text changes where there is one task."""
    if len(drafts) > 1:
        return _preview(ctx, branch, drafts)
    people = People.of(ctx.session, branch.id, today=ctx.now.date())
    wish, old = key_task_line.changes(text, people, ctx.now), drafts[0]
    new = Draft(
        name=wish.name or old.name,
        owner_id=wish.owner_id or old.owner_id,
        due_on=wish.due_on or old.due_on,
        category=wish.category or old.category,
    )
    return _preview(ctx, branch, [new])


@router.undo
def undo_new(ctx: Context, tasks: list[int]) -> str:
    found = [plans.managed(ctx.session, ctx.actor, one, today=ctx.now.date()) for one in tasks]
    plans.take_back(ctx.session, ctx.actor, found, now=ctx.now)
    for one in found:
        _note(ctx, "取消任务", one, "撤销新建")
    return f"已撤销新建：{'、'.join(one.code for one in found)}。"


def _note(ctx: Context, act: str, task: Task, detail: str) -> None:
    row = task.row
    journal.note(ctx, act, f"{task.title}：{detail}", subject_id=row.owner_id, branch_id=row.branch_id)


def _to_data(draft: Draft) -> dict[str, Any]:
    on = draft.due_on.isoformat() if draft.due_on else None
    return {"name": draft.name, "owner": draft.owner_id, "due": on, "category": draft.category}


def _from_data(data: dict[str, Any]) -> Draft:
    on = date.fromisoformat(data["due"]) if data["due"] else None
    return Draft(data["name"], data["owner"], on, data["category"])


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
    if _no(text):
        return "好的，没有改动。"
    task = plans.managed(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    return _change_asked(ctx, task, text)


def _change_asked(ctx: Context, task: Task, text: str) -> Ask:
    people = People.of(ctx.session, task.row.branch_id, today=ctx.now.date())
    wish = key_task_line.changes(text, people, ctx.now)
    if wish == Draft():
        raise NotUnderstood(code=task.code)
    made = plans.plan(ctx.session, task, wish, now=ctx.now)
    numbers = dict.fromkeys([task.row.owner_id, made.values.get("owner_id", task.row.owner_id)])
    names = [ctx.session.get_one(Member, one).name for one in numbers if one != ctx.member.id]
    told = f"\n确认后通知{'、'.join(names)}。" if names else ""
    return Ask(
        f"{task.title}：{made.text}{told}\n1 确认\n2 取消",
        step=change_it,
        data={"task": task.row.id, "wish": _to_data(wish)},
        title=f"改任务 {task.code}",
        choices=CHOICES,
    )


@router.step(words=(*CHOICES, *YES, *NO))
def change_it(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if _no(text):
        return "好的，没有改动。"
    task = plans.managed(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    if nlu.bare(text) not in YES:
        return _change_asked(ctx, task, text)
    made = plans.change(ctx.session, ctx.actor, task, _from_data(data["wish"]), now=ctx.now)
    _note(ctx, "修改任务", task, made.text)
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
    if _no(text):
        return "好的，没有取消。"
    return cancel(ctx, f"{key_task.code(data['task'])} {text}")


@router.step(words=(*CHOICES, *YES, *NO))
def cancel_it(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if nlu.bare(text) not in YES:
        return "好的，没有取消，任务照旧。"
    task = plans.managed(ctx.session, ctx.actor, data["task"], today=ctx.now.date())
    plans.cancel(ctx.session, ctx.actor, task, data["why"], now=ctx.now)
    _note(ctx, "取消任务", task, data["why"])
    told = f"，正在通知{task.owner.name}" if task.owner.id != ctx.member.id else ""
    return f"已取消 {task.title}{told}。看清单请发：任务"
