"""新建关键任务：一行写清任务、负责人和期限，缺什么问什么，预览后确认。"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot import journal, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.choices import NO, YES, says_no
from bot.errors import Refusal
from bot.models.member import PARTY_MEMBERS, Member
from bot.models.organisation import Organisation
from bot.services import key_task, key_task_line
from bot.services import key_task_plan as plans
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
        data={"branch": branch.id, "draft": key_task_line.to_data(draft)},
        title="新建任务",
    )


@router.step()
def fill(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the question for what was missing; it may hold more than that."""
    if says_no(text):
        return "好的，没有新建。看现有的请发：任务"
    branch, draft = _branch(ctx, data["branch"]), key_task_line.from_data(data["draft"])
    people = People.of(ctx.session, branch.id, today=ctx.now.date())
    filled = key_task_line.read(text, people, ctx.now, draft)
    if filled.missing == draft.missing:
        if draft.missing == "owner":
            raise key_task_line.NoSuchOwner(name=text[:12])
        if draft.missing == "due":
            filled = key_task_line.with_value(filled, "due", text, people, ctx.now)
    return _asked_or_shown(ctx, branch, filled)


def _preview(ctx: Context, branch: Organisation, drafts: Sequence[Draft]) -> Ask:
    people = _owners(ctx, drafts)
    owners = {one.id: one.name for one in people}
    told = "、".join(name for number, name in owners.items() if number != ctx.member.id)
    where = "" if branch.id == ctx.member.branch_id else branch.name
    if len(drafts) == 1:
        [draft] = drafts
        lines = [
            f"{where}新建任务：{draft.name}{f'（{draft.category}）' if draft.category else ''}",
            f"负责人 {owners[draft.owner_id or 0]}，期限 {_due(ctx, draft)}",
        ]
        edit = "要改直接写，例如：期限 12月25日"
    else:
        lines = [
            f"{where}新建 {len(drafts)} 项任务：",
            *(f"· {short(one.name, 14)} {owners[one.owner_id or 0]} {_due(ctx, one)}" for one in drafts),
        ]
        edit = ""
    others = [one.name for one in people if one.status not in PARTY_MEMBERS]
    if others:
        lines.append(f"注意：{'、'.join(others)}不是党员，关键任务一般由骨干党员负责。")
    lines += [f"已有同名的任务 {twin}，请核对。" for twin in _twins(ctx, branch, drafts)]
    lines += [f"确认后通知{told}。" if told else "", edit, "1 确认\n2 取消"]
    data = {"branch": branch.id, "drafts": [key_task_line.to_data(one) for one in drafts]}
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
    if says_no(text):
        return "好的，没有新建。看现有的请发：任务"
    branch, drafts = _branch(ctx, data["branch"]), [key_task_line.from_data(one) for one in data["drafts"]]
    if said not in YES:
        return _edited(ctx, branch, drafts, text)
    for draft in drafts:
        if draft.due_on is not None:
            key_task_line.fit(draft.due_on, ctx.now)
    tasks = plans.create(ctx.session, ctx.actor, branch, drafts, now=ctx.now)
    for one in tasks:
        journal.keep_task(ctx, "新建任务", one, f"{one.owner.name} {one.row.due_on}")
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
        journal.keep_task(ctx, "取消任务", one, "撤销新建")
    return f"已撤销新建：{'、'.join(one.code for one in found)}。"
