"""借调：到临时党支部参加一段时间的组织生活，组织关系留在原支部。"""

from __future__ import annotations

import re
from datetime import timedelta

from bot import journal, when
from bot.chat import Answer, Context, Reply, Router
from bot.errors import Refusal
from bot.models.outbox import Urgency
from bot.services import member as people
from bot.services import outbox, secondment, transfer
from bot.services.permission import Action

router = Router()

_ORDER = re.compile(r"(?P<name>.+?)\s*(?:到|去|至)\s*(?P<branch>\S*?支部)\s*(?P<span>.*)", re.DOTALL)


class WhoWhereWhen(Refusal):
    text = "请写姓名、支部和起止日期，例如：借调 张伟 到 迎峰度夏临时党支部 2026-12-01至2027-03-31 抢修"


@router.command(
    "借调",
    takes="姓名、支部和起止日期",
    examples=("借调 张伟 到 迎峰度夏临时党支部 2026-12-01至2027-03-31 抢修",),
    needs=Action.MOVE_PEOPLE,
)
def second(ctx: Context, text: str) -> Answer:
    found = _ORDER.fullmatch(text.strip())
    parts = re.split(r"至|到|~|—", found["span"], maxsplit=1) if found else []
    if found is None or len(parts) != 2:
        raise WhoWhereWhen
    starts = when.day(parts[0].strip(" ,，从自"), ctx.now)
    last, _, why = parts[1].strip().partition(" ")
    ends = when.day(last, ctx.now)
    to = transfer.branch_named(ctx.session, ctx.actor, found["branch"])
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MOVE_PEOPLE, found["name"])
    except people.Namesakes as several:
        return Reply(several.question, choices=several.commands("借调", text[found.end("name") :].strip()))
    secondment.begin(ctx.session, ctx.actor, member, to, starts, ends, why=why.strip()[:100], now=ctx.now)
    journal.keep_of(ctx, "借调", member, f"到{to.name}，{starts} 至 {ends}")
    text = f"您从 {starts} 到 {ends} 借调到{to.name}，参加那里的活动；党费、表决、积分和评议仍在原支部。"
    key = f"secondment {member.id} {to.id} {starts}"
    outbox.push(ctx.session, [member.id], text, key=key, now=ctx.now, urgency=Urgency.ANSWER)
    return (
        f"已登记：{member.name}借调到{to.name}，{starts} 至 {ends}，会通知本人。\n"
        f"{to.name}以后发布的活动会通知{member.name}；党费、表决、积分和评议仍在原支部，原支部的活动照常通知。\n提前回来请发：结束借调 {member.name}"
    )


@router.command(
    "结束借调", takes="姓名", examples=("结束借调 张伟", "结束借调 张伟 2026-12-31"), needs=Action.MOVE_PEOPLE
)
def back(ctx: Context, text: str) -> Answer:
    iso = when.WRITTEN.search(text)
    name = (text[: iso.start()] if iso else text).strip()
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MOVE_PEOPLE, name)
    except people.Namesakes as several:
        return Reply(several.question, choices=several.commands("结束借调", iso[0] if iso else ""))
    last = when.day(iso[0], ctx.now) if iso else ctx.now.date() - timedelta(days=1)
    ended = secondment.finish(ctx.session, member, last)
    if not ended:
        raise secondment.NotSeconded(name=member.name)
    names = "、".join(dict.fromkeys(branch for _, branch in ended))
    journal.keep_of(ctx, "结束借调", member, f"{names}，到 {last}")
    until = f"到 {last} 止" if last >= ctx.now.date() else "已结束"
    return f"已登记：{member.name}在{names}的借调{until}，以后只参加原支部的活动。发 名单 看人员。"
