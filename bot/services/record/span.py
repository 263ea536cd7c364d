"""What a branch held in a month and in a year, and what its members learnt and earned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, ActivityState
from bot.models.member import PARTY_MEMBERS, Member, Role
from bot.models.organisation import Organisation
from bot.models.points import PointBalance
from bot.services import point_cap, point_rule, study_time
from bot.services.cadence import record as cadence_record
from bot.services.cadence.facts import COMMITTEE_ROLES
from bot.services.point_cap import Caps
from bot.services.record.facts import MemberFacts, MonthFacts, Post, YearFacts
from bot.services.record.held import gather, organisations
from bot.times import at_time, local


def month(session: Session, branch_id: int, year: int, number: int, *, now: datetime) -> MonthFacts:
    """What a branch held in a month, until ``now``."""
    return _months(session, branch_id, year, [number], now)[0]


def _months(
    session: Session, branch_id: int, year: int, numbers: Sequence[int], now: datetime
) -> tuple[MonthFacts, ...]:
    name = organisations(session, [branch_id])[branch_id]
    first, after = _first(year, numbers[0], now), _first(year, numbers[-1] + 1, now)
    found = session.scalars(
        select(Activity)
        .where(
            Activity.branch_id == branch_id,
            Activity.state != ActivityState.CANCELLED,
            Activity.starts_at >= first,
            Activity.starts_at < after,
            Activity.starts_at <= now,
        )
        .order_by(Activity.starts_at, Activity.id)
    ).all()
    facts = gather(session, found)
    return tuple(
        MonthFacts(name, year, n, now, tuple(one for one in facts if local(one.starts_at, now).month == n))
        for n in numbers
    )


def _first(year: int, number: int, now: datetime) -> datetime:
    """The beginning of a month; month 13 is next January."""
    return at_time(date(year + (number - 1) // 12, (number - 1) % 12 + 1, 1), time.min, now)


def year(session: Session, branch_id: int, number: int, *, now: datetime) -> YearFacts:
    """A year of a branch until ``now``, by the roster of now."""
    choices = cadence_record.choices(session, branch_id)
    posts = _posts(session, branch_id, number)
    return YearFacts(
        branch=organisations(session, [branch_id])[branch_id],
        year=number,
        as_of=now,
        groups=tuple(group.name for group in cadence_record.groups(session, branch_id)),
        members=_year_members(session, branch_id, number, now),
        committee=posts,
        term_started_on=choices.term_started_on,
        months=_months(session, branch_id, number, range(1, 13), now),
        dimensions=tuple(one.name for one in point_rule.rules().dimensions),
        minutes_per_hour=choices.study_minutes_per_hour,
    )


def _posts(session: Session, branch_id: int, number: int) -> tuple[Post, ...]:
    """Who was in the committee during the year, in the order of the roles."""
    rows = session.execute(
        select(Role.name, Member.name, Role.starts_on, Role.ends_on)
        .join(Member, Member.id == Role.member_id)
        .where(
            Role.organisation_id == branch_id,
            Role.name.in_(COMMITTEE_ROLES),
            Role.starts_on <= date(number, 12, 31),
            or_(Role.ends_on.is_(None), Role.ends_on >= date(number, 1, 1)),
        )
        .order_by(Role.starts_on, Role.id)
    ).all()
    posts = [Post(role.value, name, starts, ends) for role, name, starts, ends in rows]
    order = [role.value for role in COMMITTEE_ROLES]
    return tuple(sorted(posts, key=lambda one: order.index(one.role)))


def _year_members(session: Session, branch_id: int, number: int, now: datetime) -> tuple[MemberFacts, ...]:
    """The Party members of the branch by group and roster: a list, not a ranking."""
    rows = session.execute(
        select(Member, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Member.group_id)
        .where(Member.branch_id == branch_id, Member.active, Member.status.in_(PARTY_MEMBERS))
        .order_by(func.coalesce(Member.group_id, 0), Member.id)
    ).all()
    ids = [member.id for member, _ in rows]
    studied = study_time.of_year(session, Member.id.in_(ids), number, now)
    earned = _year_points(session, ids, number, point_cap.of_branch(session, branch_id))
    choices = cadence_record.choices(session, branch_id)
    leaders = _leaders(session, branch_id, number)
    return tuple(
        MemberFacts(
            member.name,
            member.status.value,
            group or "",
            member.crew,
            member.joined_on,
            studied.get(member.id, study_time.NONE).total,
            choices.study_hours_leader if member.id in leaders else choices.study_hours_member,
            earned[member.id],
        )
        for member, group in rows
    )


def _leaders(session: Session, branch_id: int, number: int) -> set[int]:
    """Who was in the committee at the end of the year, or is now."""
    last = date(number, 12, 31)
    ends = or_(Role.ends_on.is_(None), Role.ends_on >= last)
    held = (Role.organisation_id == branch_id, Role.name.in_(COMMITTEE_ROLES), Role.starts_on <= last, ends)
    return set(session.scalars(select(Role.member_id).where(*held)))


def _year_points(
    session: Session, member_ids: Sequence[int], number: int, caps: Caps
) -> dict[int, tuple[int, ...]]:
    """Points per dimension, in the order of the rules; each quarter counts up to the dimension's cap."""
    rows = session.execute(
        select(
            PointBalance.member_id, PointBalance.period, PointBalance.dimension, PointBalance.points
        ).where(PointBalance.member_id.in_(member_ids), PointBalance.period.startswith(f"{number}Q"))
    )
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for member, quarter, dimension, amount in rows:
        sums[member, dimension] += caps.counted(dimension, amount, quarter)
    names = [one.name for one in point_rule.rules().dimensions]
    return {member: tuple(sums[member, name] for name in names) for member in member_ids}
