"""Where a person stands on the way into the Party: steps in order, intervals that block, and the end of a probation that is near.

The bot records what the organisation decided; it decides nothing. Sources stand at each rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.course import StatusChange
from bot.models.member import Member, MemberStatus
from bot.services.permission import Action, Actor
from bot.times import local

ORDER = (
    MemberStatus.COLLEAGUE,
    MemberStatus.APPLICANT,
    MemberStatus.ACTIVIST,
    MemberStatus.PROSPECT,
    MemberStatus.PROBATIONARY,
    MemberStatus.FULL,
)
STAGES = (30, 7, 0)
"""How many days before the end of a probation the secretary is told."""


@dataclass(frozen=True, slots=True)
class Interval:
    """``after`` may follow ``before`` only a whole number of years later."""

    before: MemberStatus
    after: MemberStatus
    years: int
    what: str
    source: str
    confidence: str


INTERVALS = (
    Interval(
        MemberStatus.ACTIVIST,
        MemberStatus.PROSPECT,
        1,
        "积极分子要经过一年以上培养教育和考察，才能列为发展对象",
        "《中国共产党发展党员工作细则》",
        "check",
    ),
    Interval(
        MemberStatus.PROBATIONARY,
        MemberStatus.FULL,
        1,
        "预备党员的预备期为一年",
        "《中国共产党章程》第七条",
        "high",
    ),
)


class TooSoon(Refusal):
    text = (
        "{name}{since}起为{before}，满{years}年是 {on}，{day}还不能登记为{after}。依据：{what}（{source}）。"
    )


class StartUnknown(Refusal):
    text = "还没有登记{name}从哪天起是{before}，算不出是否满{years}年。请先发：身份 {name} {before} 2025-01-10（换成实际日期）"


class NotTheNextStep(Refusal):
    text = "{name}现在是{before}，不能直接登记为{after}。请按程序一步一步来：下一步是{following}。"


class NeedsTheOrganisation(Refusal):
    text = "{name}是{before}，取消或改变党员身份要由上级党组织按程序决定，不在这里办。"


class NotYet(Refusal):
    text = "{day}还没有到，到了那天、会议通过以后再登记。"


class BeforeTheLast(Refusal):
    text = "日期{day}早于已登记的{before}日期{since}，请核对。"


@dataclass(frozen=True, slots=True)
class Changed:
    """What was recorded; ``full_on`` is when a new probation ends."""

    before: MemberStatus
    after: MemberStatus
    since: date
    full_on: date | None


def years_later(day: date, years: int) -> date:
    """The same day years later; 29 February becomes 1 March, so that the time is whole."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def since(session: Session, member: Member) -> date | None:
    """From which day the member has the present status; a probation begins with the day of joining. None where it was never told."""
    told = session.scalar(
        select(StatusChange.since)
        .where(StatusChange.member_id == member.id, StatusChange.after == member.status)
        .order_by(StatusChange.id.desc())
        .limit(1)
    )
    return told or (member.joined_on if member.status is MemberStatus.PROBATIONARY else None)


def change(
    session: Session, actor: Actor, member: Member, after: MemberStatus, on: date, *, now: datetime
) -> Changed:
    """Record a status from a day on. The same status with another day mends the day. Refusals name rule and earliest day."""
    actor.on_branch(session, Action.MANAGE_PEOPLE, member.branch_id)
    before = member.status
    _require_order(member, after)
    known = since(session, member)
    _require_interval(member, after, on, known)
    if on > now.date():
        raise NotYet(day=on)
    if after is not before and known is not None and on < known:
        raise BeforeTheLast(day=on, before=before.value, since=known)
    session.add(
        StatusChange(member_id=member.id, before=before, after=after, since=on, by_id=actor.member.id, at=now)
    )
    member.status = after
    if after is MemberStatus.PROBATIONARY:
        member.joined_on = on
    session.flush()
    ends = years_later(on, 1) if after is MemberStatus.PROBATIONARY else None
    return Changed(before, after, on, ends)


def _require_order(member: Member, after: MemberStatus) -> None:
    """One step up at a time; who is not yet a member may step back to any place below; a member may not."""
    here, there = ORDER.index(member.status), ORDER.index(after)
    if there == here or there == here + 1:
        return
    if there > here:
        following = ORDER[here + 1].value
        raise NotTheNextStep(
            name=member.name, before=member.status.value, after=after.value, following=following
        )
    if here >= ORDER.index(MemberStatus.PROBATIONARY):
        raise NeedsTheOrganisation(name=member.name, before=member.status.value)


def _require_interval(member: Member, after: MemberStatus, on: date, known: date | None) -> None:
    rule = next((one for one in INTERVALS if (one.before, one.after) == (member.status, after)), None)
    if rule is None:
        return
    facts: dict[str, Any] = {
        "name": member.name,
        "before": rule.before.value,
        "after": after.value,
        "years": rule.years,
    }
    if known is None:
        raise StartUnknown(**facts)
    earliest = years_later(known, rule.years)
    if on < earliest:
        raise TooSoon(**facts, since=known, on=earliest, day=on, what=rule.what, source=rule.source)


def history(session: Session, member_id: int) -> Sequence[StatusChange]:
    """All changes of somebody's status, oldest first."""
    rows = select(StatusChange).where(StatusChange.member_id == member_id)
    return session.scalars(rows.order_by(StatusChange.id)).all()


@dataclass(frozen=True, slots=True)
class Ending:
    """A probation that ends on ``on``; ``stage`` is the reminder that is due: 30 or 7 days before, or 0 from that day on."""

    member: Member
    on: date
    stage: int


def endings(session: Session, now: datetime) -> list[Ending]:
    """The probations whose end is near or past, each with its stage."""
    today = local(now, now).date()
    members = session.scalars(
        select(Member).where(Member.active, Member.status == MemberStatus.PROBATIONARY).order_by(Member.id)
    ).all()
    found = []
    for member in members:
        began = since(session, member)
        if began is None:
            continue
        on = years_later(began, 1)
        stages = [stage for stage in STAGES if (on - today).days <= stage]
        if stages:
            found.append(Ending(member, on, stages[-1]))
    return found
