"""任免：登记谁从哪天到哪天担任什么职务；换届后一次换好。"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from bot import journal, when
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.errors import Refusal
from bot.models.member import Member, MemberStatus, RoleName
from bot.models.organisation import Organisation
from bot.services import branch as branches
from bot.services import member as people
from bot.services import role, transfer
from bot.services.cadence import record as cadence
from bot.services.member import Namesakes
from bot.services.permission import Action
from bot.services.role import Change

router = Router()

YES_NO = ("确认", "取消")
_GRANTABLE = tuple(one for one in RoleName if one is not RoleName.ADMIN)
_LONGEST_FIRST = sorted(_GRANTABLE, key=lambda one: -len(one.value))
_POST = re.compile(r"(?:党?支部)?(副书记|书记|组织委员|宣传委员|纪检委员)\s*[:：]?\s*([^\s,，、;；:：。]+)")


class WhichRole(Refusal):
    text = "请写姓名和职务，例如：{word} 张伟 党小组长。职务可写：{roles}。可以加日期：{dated}"


class WhoWasElected(Refusal):
    text = "请写任职日期、职务和姓名，例如：换届登记 2026-12-01 书记王建国，组织委员刘芳，宣传委员赵敏。别的支部请先写支部名。"


@router.command(
    "任命",
    takes="姓名和职务",
    examples=("任命 张伟 党小组长", "任命 张伟 组织委员 2026-12-01至2029-11-30"),
    needs=Action.MANAGE_PEOPLE,
)
def appoint(ctx: Context, text: str) -> Answer:
    name, wanted, days = _parts(ctx, text, "任命")
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, name)
    except Namesakes as several:
        return Reply(several.question, choices=several.commands("任命", _again(text, name)))
    today = ctx.now.date()
    starts, ends = days[0] if days else today, days[1] if len(days) > 1 else None
    done = role.grant(ctx.session, ctx.actor, member, wanted, today=today, starts_on=starts, ends_on=ends)
    journal.keep_of(ctx, "任命", member, f"{wanted.value}（{done.node.name}）{_span(starts, ends, today)}")
    begins = "今天" if starts == today else str(starts)
    until = f"到 {ends} 止" if ends else ""
    others = (
        f"\n现在还有{'、'.join(done.others)}任{wanted.value}；不再担任请发：免去 {done.others[0]} {wanted.value}"
        if done.others
        else ""
    )
    return (
        f"已登记：{member.name}任{done.node.name}{wanted.value}，从{begins}起{until}有相应权限。{others}\n"
        f"选举和任免请按组织程序办，这里只登记权限。要取消请发：免去 {member.name} {wanted.value}"
    )


@router.command(
    "免去",
    takes="姓名和职务",
    examples=("免去 张伟 党小组长", "免去 张伟 党小组长 2026-12-31"),
    needs=Action.MANAGE_PEOPLE,
)
def dismiss(ctx: Context, text: str) -> Answer:
    name, wanted, days = _parts(ctx, text, "免去")
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, name)
    except Namesakes as several:
        return Reply(several.question, choices=several.commands("免去", _again(text, name)))
    today, last = ctx.now.date(), days[0] if days else None
    role.revoke(ctx.session, ctx.actor, member, wanted, today=today, last_day=last)
    journal.keep_of(ctx, "免去", member, f"{wanted.value}{f'，任到 {last}' if last else ''}")
    if last is not None and last >= today:
        return f"已登记：{member.name}任{wanted.value}到 {last} 止，之后相应权限停止。要改请发：任命 {member.name} {wanted.value}"
    return f"已登记：{member.name}不再担任{wanted.value}，相应权限已停。任职记录保留。要恢复请发：任命 {member.name} {wanted.value}"


def _parts(ctx: Context, text: str, word: str) -> tuple[str, RoleName, list[date]]:
    """ "张伟 党小组长", "张伟为党小组长 12月1日起": the longest name of a role wins; days follow it."""
    for one in _LONGEST_FIRST:
        name, found, rest = text.rpartition(one.value)
        name = name.strip(" ,，:：").removesuffix("支部").removesuffix("党").removesuffix("为").strip()
        if found and name:
            return name, one, _days(ctx, rest)
    dated = "张伟 组织委员 2026-12-01至2029-11-30" if word == "任命" else "张伟 组织委员 2026-12-31"
    raise WhichRole(word=word, roles="、".join(one.value for one in _GRANTABLE), dated=f"{word} {dated}")


def _again(text: str, name: str) -> str:
    return text.partition(name)[2].strip()


def _days(ctx: Context, said: str) -> list[date]:
    """One day, or the first and the last; none when nothing is said."""
    parts = [part.strip(" ,，从自起止（）()") for part in re.split(r"至|到|~|—", said)]
    return [when.day(part, ctx.now) for part in parts if part]


def _span(starts: date, ends: date | None, today: date) -> str:
    return "" if starts == today and ends is None else f"，{starts} 至 {ends or '以后'}"


# After an election ------------------------------------------------------------------------------------------------------


@router.command(
    "换届登记",
    "登记换届",
    "登记换届结果",
    takes="日期、职务和姓名",
    examples=("换届登记 2026-11-20 书记王建国，组织委员刘芳",),
    needs=Action.MANAGE_PEOPLE,
)
def elected(ctx: Context, text: str) -> Answer:
    """A preview; the result of an election is registered, the election is held offline."""
    iso = when.WRITTEN.search(text)
    posts = _POST.findall(text[iso.end() :]) if iso else []
    if iso is None or not posts:
        raise WhoWasElected
    on, name = when.day(iso[0], ctx.now), text[: iso.start()].strip(" ,，:：")
    branch = transfer.branch_named(ctx.session, ctx.actor, name) if name else _own(ctx)
    people_elected = [
        (RoleName(post), people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, who))
        for post, who in posts
    ]
    change = role.new_committee(ctx.session, ctx.actor, branch, people_elected, on, today=ctx.now.date())
    data = {
        "branch": branch.id,
        "on": on.isoformat(),
        "elected": [[post.value, who.id] for post, who in people_elected],
    }
    full = dict(branches.branch_view(ctx.session, branch.id, today=ctx.now.date()).statuses)
    size = len({who.id for _, who in people_elected})
    lines = [
        f"{branch.name}换届，从 {on} 起：",
        *_change_lines(change),
        branches.committee_check(full.get(MemberStatus.FULL, 0), size),
        "选举在线下按程序进行，这里只登记批复后的结果。\n1 确认\n2 取消",
    ]
    return Ask("\n".join(lines), step=elected_confirmed, data=data, title="换届登记", choices=YES_NO)


def _own(ctx: Context) -> Organisation:
    return ctx.session.get_one(Organisation, ctx.actor.branch_id)


def _change_lines(change: Change) -> list[str]:
    said = (
        ("新任", [f"{who.name}（{name.value}）" for name, who in change.coming]),
        ("连任", [f"{who.name}（{name.value}）" for name, who in change.staying]),
        ("卸任", [f"{who.name}（{one.name.value}）" for one, who in change.going]),
    )
    return [f"{word}：{'、'.join(names)}" for word, names in said if names]


@router.step(words=YES_NO)
def elected_confirmed(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text == "取消":
        return "没有登记。发 支部信息 看现任委员。"
    if text != "确认":
        ask = "要登记这次换届吗？请回复 确认 或 取消。"
        return Ask(ask, step=elected_confirmed, data=data, title="换届登记", choices=YES_NO)
    branch, on = ctx.session.get_one(Organisation, data["branch"]), date.fromisoformat(data["on"])
    chosen = [(RoleName(post), ctx.session.get_one(Member, key)) for post, key in data["elected"]]
    change = role.new_committee(ctx.session, ctx.actor, branch, chosen, on, today=ctx.now.date())
    role.install(ctx.session, branch, change, on)
    for one, who in change.going:
        journal.keep_of(ctx, "免去", who, f"{one.name.value}（换届，任到 {on - timedelta(days=1)}）")
    for name, who in change.coming:
        journal.keep_of(ctx, "任命", who, f"{name.value}（{branch.name}换届，从 {on} 起）")
    cadence.choose(
        ctx.session,
        branch.id,
        "term_started_on",
        on.isoformat(),
        actor=ctx.member,
        act="登记换届时间",
        now=ctx.now,
        channel=ctx.message.channel,
    )
    size = len({who.id for _, who in (*change.coming, *change.staying)})
    return f"已登记{branch.name}换届：委员 {size} 人，卸任 {len(change.going)} 项，本届从 {on} 算起。\n新任的人从今天起有相应权限。可发：名单 {branch.name}、体检"
