"""身份：登记入党申请人、积极分子、发展对象、预备党员、正式党员，时间不够的不登记并说明依据。"""

from __future__ import annotations

import re
from datetime import date

from bot import journal, when
from bot.chat import Answer, Context, Reply, Router
from bot.errors import Refusal
from bot.models.member import MemberStatus
from bot.services import development
from bot.services import member as people
from bot.services.permission import Action

router = Router()

_WORDS = {status.value: status for status in MemberStatus} | {
    "入党积极分子": MemberStatus.ACTIVIST,
    "申请人": MemberStatus.APPLICANT,
    "预备": MemberStatus.PROBATIONARY,
    "正式": MemberStatus.FULL,
    "转正": MemberStatus.FULL,
}


_EXTENSION = re.compile(
    r"(?P<name>.+?)[\s,，]*(?:延长)?(?:(?P<half>半年)|(?P<year>一年|1年)|(?P<months>\d{1,3})\s*个?月)(?P<on>.*)"
)


class HowLong(Refusal):
    text = "请写姓名、几个月和决定日期，例如：延长预备期 李明 6个月 2026-11-20"


class WhoAndWhat(Refusal):
    text = "请写姓名、身份和日期，例如：身份 李明 正式党员 2027-03-20。身份可写：{known}"


@router.command(
    "身份",
    "登记身份",
    takes="姓名、身份和日期",
    examples=("身份 李明 正式党员 2027-03-20",),
    needs=Action.MANAGE_PEOPLE,
)
def change(ctx: Context, text: str) -> Answer:
    name, status, said = _parts(text)
    on = _day(ctx, said)
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, name)
    except people.Namesakes as several:
        return Reply(several.question, choices=several.commands("身份", f"{status.value} {on}"))
    done = development.change(ctx.session, ctx.actor, member, status, on, now=ctx.now)
    journal.keep_of(ctx, "登记身份", member, f"{done.before.value} → {done.after.value}，{on}")
    ends = f"预备期到 {done.full_on} 满，到时会提醒您。" if done.full_on else ""
    return f"已登记：{member.name}从 {on} 起为{status.value}（原{done.before.value}）。{ends}\n发展党员请按程序办理，这里只登记结果。可发：名单、支部信息"


@router.command(
    "延长预备期",
    "预备期延长",
    takes="姓名、几个月和决定日期",
    examples=("延长预备期 李明 6个月 2026-11-20",),
    needs=Action.MANAGE_PEOPLE,
)
def extend(ctx: Context, text: str) -> Answer:
    found = _EXTENSION.fullmatch(text.strip())
    if found is None:
        raise HowLong
    months = 6 if found["half"] else 12 if found["year"] else int(found["months"])
    on = _day(ctx, found["on"].strip(" ,，"))
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, found["name"])
    except people.Namesakes as several:
        return Reply(several.question, choices=several.commands("延长预备期", f"{months}个月 {on}"))
    before, after = development.extend(ctx.session, ctx.actor, member, months, on, now=ctx.now)
    journal.keep_of(ctx, "登记延长预备期", member, f"{months}个月，{before} → {after}，{on} 决定")
    return f"已登记：{member.name}的预备期延长{months}个月，从 {before} 到 {after}（{on} 决定）。到时会提醒您。\n延长要经支部大会讨论、上级党委批准，这里只登记结果，只能延长一次。可发：名单"


def _parts(text: str) -> tuple[str, MemberStatus, str]:
    """Name, status and the rest; the longest name of a status wins."""
    for word in sorted(_WORDS, key=len, reverse=True):
        name, found, rest = text.partition(word)
        if found and name.strip(" ,，:："):
            return name.strip(" ,，:："), _WORDS[word], rest.strip(" ,，:：从起")
    raise WhoAndWhat(known="、".join(status.value for status in MemberStatus))


def _day(ctx: Context, said: str) -> date:
    """The day that was written, today without one."""
    return when.day(said, ctx.now) if said else ctx.now.date()
