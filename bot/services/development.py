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


EXTENSION_MONTHS = (6, 12)
"""A probation may go on once, for half a year at least and a year at most (content/regulations/admission.toml and constitution.toml)."""
EXTENSION_SOURCE = "《中国共产党发展党员工作细则》"


class TooSoon(Refusal):
    text = (
        "{name}{since}起为{before}，满{years}年是 {on}，{day}还不能登记为{after}。依据：{what}（{source}）。"
    )


class StillExtended(Refusal):
    text = "{name}的预备期已决定延长到 {until}，{day}还不能登记为正式党员。"


class StartUnknown(Refusal):
    text = "还没有登记{name}从哪天起是{before}，算不出是否满{years}年。请先发：身份 {name} {before} 2025-01-10（换成实际日期）"


class NotTheNextStep(Refusal):
    text = "{name}现在是{before}，不能直接登记为{after}。请按程序一步一步来：下一步是{following}。"


class NotOnProbation(Refusal):
    text = "{name}现在是{status}，不是预备党员，不能延长预备期。"


class ExtendedAlready(Refusal):
    text = "{name}的预备期已延长过一次（到 {on}），不能再延长。依据：{source}。"


class WrongLength(Refusal):
    text = "延长的时间要在{least}到{most}个月之间。依据：延长不能少于半年，最长不超过一年（{source}）。"


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


def months_later(day: date, months: int) -> date:
    """The same day months later, the first of the month after where there is no such day, so that the time is whole."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return day.replace(year=year, month=month + 1)
    except ValueError:
        return date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)


def probation_ends(session: Session, member: Member, began: date) -> date:
    """When a probation that began on a day is over: a year later, or later still where it was extended."""
    extended = _extension(session, member, began)
    return months_later(years_later(began, 1), extended.extended_months if extended else 0)


def _extension(session: Session, member: Member, began: date) -> StatusChange | None:
    """The extension of the probation that began on a day; those of an earlier probation do not count."""
    return session.scalars(
        select(StatusChange)
        .where(
            StatusChange.member_id == member.id, StatusChange.extended_months > 0, StatusChange.since >= began
        )
        .order_by(StatusChange.id.desc())
        .limit(1)
    ).one_or_none()


def extend(
    session: Session, actor: Actor, member: Member, months: int, on: date, *, now: datetime
) -> tuple[date, date]:
    """Record that the meeting decided on a day to extend a probation. Returns the old end and the new one.

    Source: 《中国共产党发展党员工作细则》(once, half a year to a year) and 《中国共产党章程》第七条 (not more than a year).
    """
    actor.on_branch(session, Action.MANAGE_PEOPLE, member.branch_id)
    if member.status is not MemberStatus.PROBATIONARY:
        raise NotOnProbation(name=member.name, status=member.status.value)
    least, most = EXTENSION_MONTHS
    if not least <= months <= most:
        raise WrongLength(least=least, most=most, source=EXTENSION_SOURCE)
    began = since(session, member)
    if began is None:
        raise StartUnknown(name=member.name, before=member.status.value, years=1)
    if on > now.date():
        raise NotYet(day=on)
    if on < began:
        raise BeforeTheLast(day=on, before=member.status.value, since=began)
    before = probation_ends(session, member, began)
    if _extension(session, member, began) is not None:
        raise ExtendedAlready(name=member.name, on=before, source=EXTENSION_SOURCE)
    status = MemberStatus.PROBATIONARY
    row = StatusChange(
        member_id=member.id,
        before=status,
        after=status,
        since=on,
        extended_months=months,
        by_id=actor.member.id,
        at=now,
    )
    session.add(row)
    session.flush()
    return before, probation_ends(session, member, began)


def since(session: Session, member: Member) -> date | None:
    """From which day the member has the present status; a probation begins with the day of joining. None where it was never told."""
    told = session.scalar(
        select(StatusChange.since)
        .where(
            StatusChange.member_id == member.id,
            StatusChange.after == member.status,
            StatusChange.extended_months == 0,
        )
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
    require_order(member, after)
    known = since(session, member)
    require_interval(session, member, after, on, known)
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


def require_order(member: Member, after: MemberStatus) -> None:
    """Refuse what is not the next step: one step up at a time; who is not yet a member may step back to any place below; a member may not."""
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


def require_interval(
    session: Session, member: Member, after: MemberStatus, on: date, known: date | None
) -> None:
    """Refuse a status before its interval since ``known`` is over; :class:`StartUnknown` where nobody knows since when the present one is held."""
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
    if member.status is MemberStatus.PROBATIONARY:
        until = probation_ends(session, member, known)
        if earliest <= on < until:
            raise StillExtended(name=member.name, until=until, day=on)
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
        on = probation_ends(session, member, began)
        stages = [stage for stage in STAGES if (on - today).days <= stage]
        if stages:
            found.append(Ending(member, on, stages[-1]))
    return found
