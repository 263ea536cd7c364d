"""身份：登记入党申请人、积极分子、发展对象、预备党员、正式党员，时间不够的不登记并说明依据。"""

from __future__ import annotations

import re
from datetime import date

from bot import when
from bot.chat import Answer, Context, Reply, Router
from bot.errors import Refusal
from bot.models.member import MemberStatus
from bot.services import audit, development
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
_ISO = re.compile(r"(20\d\d)[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class WhoAndWhat(Refusal):
    text = "请写姓名、身份和日期，例如：身份 李明 正式党员 2027-03-20。身份可写：{known}"


class WhichDay(Refusal):
    text = "没看懂日期“{said}”。可以写：2027-03-20"


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
    audit.record(
        ctx.session,
        actor=ctx.member,
        act="登记身份",
        now=ctx.now,
        channel=ctx.message.channel,
        subject_id=member.id,
        branch_id=member.branch_id,
        detail=f"{done.before.value} → {done.after.value}，{on}",
    )
    ends = f"预备期到 {done.full_on} 满，到时会提醒您。" if done.full_on else ""
    return f"已登记：{member.name}从 {on} 起为{status.value}（原{done.before.value}）。{ends}\n发展党员请按程序办理，这里只登记结果。可发：名单、支部信息"


def _parts(text: str) -> tuple[str, MemberStatus, str]:
    """Name, status and the rest; the longest name of a status wins."""
    for word in sorted(_WORDS, key=len, reverse=True):
        name, found, rest = text.partition(word)
        if found and name.strip(" ,，:："):
            return name.strip(" ,，:："), _WORDS[word], rest.strip(" ,，:：从起")
    raise WhoAndWhat(known="、".join(status.value for status in MemberStatus))


def _day(ctx: Context, said: str) -> date:
    """The day that was written, today without one. A year that is written is taken as it is."""
    if not said:
        return ctx.now.date()
    iso = _ISO.search(said)
    try:
        found = date(*(int(part) for part in iso.groups())) if iso else when.find(said, ctx.now).day
    except ValueError:
        found = None
    if found is None:
        raise WhichDay(said=said[:12])
    return found
