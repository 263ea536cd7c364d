"""Freeze periods (迎峰度夏, 保电): when a branch must not be disturbed, by its own word, by that of a node above, or by the table of holidays.

Study pushes and nudges pause. Notices and invitations that somebody wrote, reminders of what begins within the period, answers and what is
urgent go out all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, aliased

from bot.errors import Refusal
from bot.models.freeze import FreezePeriod
from bot.models.member import Member
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import audit, setting
from bot.services.permission import Action, Actor
from bot.times import at_time, day, local
from content.holidays import Freeze

LONGEST = timedelta(days=184)
_BULK = {"synchronize_session": False}


class BadPeriod(Refusal):
    text = "没看懂起止日期。例如：保电 7月1日到8月31日；保电 3天"


class TooLong(Refusal):
    text = "保电期最长半年，请分段设置。例如：保电 7月1日到8月31日"


class AlreadyOver(Refusal):
    text = "{last} 已经过去了，请写现在或以后的日期。例如：保电 7月1日到8月31日"


class NoSuchPeriod(Refusal):
    text = "没有找到您能取消的保电期{number}。发 保电 看看有哪些。"


class NoNudges(Refusal):
    text = "现在是{reason}期间（到{last}），不催办。确有急事请发：通知 … 加急 原因"


@dataclass(frozen=True, slots=True)
class Listed:
    """A period of today or later, and the name of the node for which it is."""

    period: FreezePeriod
    where: str


def begin(
    session: Session,
    actor: Actor,
    first: date,
    last: date,
    reason: str,
    *,
    everywhere: bool,
    now: datetime,
    channel: str = "",
) -> Listed:
    """Set a period, both days inclusive, for the actor's branch, or ``everywhere`` at and below the actor's node.

    :class:`BadPeriod`, :class:`TooLong` or :class:`AlreadyOver`.
    """
    if last < first:
        raise BadPeriod
    if last - first > LONGEST:
        raise TooLong
    if last < now.date():
        raise AlreadyOver(last=day(last, now))
    node = _node(session, actor, everywhere)
    period = FreezePeriod(
        organisation_id=node.id, first_on=first, last_on=last, reason=reason, by_id=actor.member.id, at=now
    )
    session.add(period)
    session.flush()
    detail = f"#{period.id} {node.name} {first}—{last} {reason}"
    audit.record(
        session,
        actor=actor.member,
        act="设置保电期",
        now=now,
        channel=channel,
        branch_id=node.id,
        detail=detail,
    )
    return Listed(period, node.name)


def _node(session: Session, actor: Actor, everywhere: bool) -> Organisation:
    if not everywhere:
        return actor.on_branch(session, Action.CHANGE_SETTINGS, actor.branch_id)
    highest = min(actor.paths(Action.CHANGE_SETTINGS), key=len)
    return session.scalars(select(Organisation).where(Organisation.path == highest)).one()


def end(session: Session, actor: Actor, number: int, *, now: datetime, channel: str = "") -> Listed:
    """Call a period off; what waited for its end may go out from now on. :class:`NoSuchPeriod` also for that of a node above."""
    found = session.execute(
        select(FreezePeriod, Organisation)
        .join(Organisation, Organisation.id == FreezePeriod.organisation_id)
        .where(
            FreezePeriod.id == number, FreezePeriod.ended_at.is_(None), actor.within(Action.CHANGE_SETTINGS)
        )
    ).first()
    if found is None:
        raise NoSuchPeriod(number=f" #{number}")
    period, node = found
    below = Organisation.path.startswith(node.path, autoescape=True)
    branches = session.scalars(
        select(Organisation.id).where(below, Organisation.kind == OrganisationKind.BRANCH)
    ).all()
    waited = until(session, branches, now=now)
    period.ended_at = now
    session.flush()
    _wake(session, waited, now)
    detail = f"#{period.id} {node.name} {period.reason}"
    audit.record(
        session,
        actor=actor.member,
        act="取消保电期",
        now=now,
        channel=channel,
        branch_id=node.id,
        detail=detail,
    )
    return Listed(period, node.name)


def _wake(session: Session, waited: Mapping[int, datetime], now: datetime) -> None:
    """Look again at what was put off until the end of a period; delivery decides anew."""
    by_end: dict[datetime, list[int]] = defaultdict(list)
    for branch, moment in waited.items():
        by_end[moment].append(branch)
    for moment, branches in by_end.items():
        theirs = select(Member.id).where(Member.branch_id.in_(branches))
        waiting = (
            Outbox.state == OutboxState.WAITING,
            Outbox.urgency == Urgency.ROUTINE,
            Outbox.available_at == moment,
            Outbox.member_id.in_(theirs),
        )
        session.execute(update(Outbox).where(*waiting).values(available_at=now), execution_options=_BULK)


def listed(session: Session, branch_id: int, *, today: date) -> list[Listed]:
    """The periods of today or later that hold for a branch, the next one first; without those of the table of holidays."""
    rows = session.execute(_holding([branch_id], today)).all()
    return [Listed(period, where) for _, period, where in rows]


def reason(session: Session, branch_id: int, on: date) -> str:
    """Why a branch must not be disturbed on a day, or an empty string."""
    own = next((one.reason for one in _spans(session, [branch_id], on)[branch_id] if _covers(one, on)), "")
    return own or setting.calendar().frozen(on)


def until(session: Session, branches: Iterable[int], *, now: datetime) -> dict[int, datetime]:
    """When the periods end that hold now, for each branch where one does: midnight after the last day without a gap."""
    today = now.date()
    spans = _spans(session, list(branches), today)
    ends = {branch: _free_day(spans[branch], today) for branch in spans}
    return {branch: at_time(on, time(), now) for branch, on in ends.items() if on != today}


def days_of(session: Session, branch_id: int, first: date, after: date, *, now: datetime) -> set[date]:
    """The days from ``first`` to before ``after`` on which a branch must not be disturbed. A period that was called off counts until the day before."""
    node, branch = aliased(Organisation), aliased(Organisation)
    periods = session.scalars(
        select(FreezePeriod)
        .join(node, node.id == FreezePeriod.organisation_id)
        .join(branch, branch.path.startswith(node.path))
        .where(branch.id == branch_id, FreezePeriod.first_on < after, FreezePeriod.last_on >= first)
    ).all()
    ends = {one.id: local(one.ended_at, now).date() if one.ended_at else after for one in periods}
    days = (first + timedelta(days=n) for n in range((after - first).days))
    table = setting.calendar()
    return {
        on
        for on in days
        if table.frozen(on) or any(one.first_on <= on <= one.last_on and on < ends[one.id] for one in periods)
    }


def _free_day(spans: Sequence[Freeze], on: date) -> date:
    while setting.calendar().frozen(on) or any(_covers(one, on) for one in spans):
        on += timedelta(days=1)
    return on


def require_none(session: Session, branch_id: int, *, now: datetime) -> None:
    """:class:`NoNudges` while a branch must not be disturbed."""
    ends = until(session, [branch_id], now=now).get(branch_id)
    if ends is not None:
        last = (ends - timedelta(days=1)).date()
        raise NoNudges(reason=reason(session, branch_id, now.date()), last=day(last, now))


def _covers(one: Freeze, on: date) -> bool:
    return one.first <= on <= one.last


def _spans(session: Session, branches: Sequence[int], since: date) -> dict[int, list[Freeze]]:
    spans: dict[int, list[Freeze]] = {branch: [] for branch in branches}
    for branch, period, _ in session.execute(_holding(branches, since)):
        spans[branch].append(Freeze(period.first_on, period.last_on, period.reason))
    return spans


def _holding(branches: Sequence[int], since: date) -> Select[int, FreezePeriod, str]:
    """Branch, period and the name of its node: the periods not over by a day, of each branch and of the nodes above it."""
    node, branch = aliased(Organisation), aliased(Organisation)
    return (
        select(branch.id, FreezePeriod, node.name)
        .join(node, node.id == FreezePeriod.organisation_id)
        .join(branch, branch.path.startswith(node.path))
        .where(branch.id.in_(branches), FreezePeriod.ended_at.is_(None), FreezePeriod.last_on >= since)
        .order_by(FreezePeriod.first_on, FreezePeriod.id)
    )
