"""What a secretary sees of the branch's points: everybody by group, the course of the quarters, and who has no chance to earn in a dimension."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, median

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.member import PARTY_MEMBERS, Member
from bot.models.organisation import Organisation
from bot.models.points import PointBalance
from bot.services import point_cap, point_rule
from bot.times import quarter

NO_GROUP = "未编组"


@dataclass(frozen=True, slots=True)
class Row:
    """A member's quarter: points by dimension up to the caps, in the order of the rules."""

    member_id: int
    name: str
    group: str
    dimensions: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.dimensions)


def dimensions() -> list[str]:
    """The names of the dimensions in the order of the rules."""
    return [one.name for one in point_rule.rules().dimensions]


def previous(period: str, back: int = 1) -> str:
    """The quarter so many before: 2026Q1 → 2025Q4."""
    year, _, number = period.partition("Q")
    index = int(year) * 4 + int(number) - 1 - back
    return f"{index // 4}Q{index % 4 + 1}"


def table(session: Session, branch_id: int, period: str) -> list[Row]:
    """The active Party members of a branch by group and roster, never by points."""
    rows = session.execute(
        select(Member.id, Member.name, Organisation.name, PointBalance.dimension, PointBalance.points)
        .outerjoin(Organisation, Organisation.id == Member.group_id)
        .outerjoin(PointBalance, (PointBalance.member_id == Member.id) & (PointBalance.period == period))
        .where(Member.branch_id == branch_id, Member.active, Member.status.in_(PARTY_MEMBERS))
        .order_by(Organisation.id.is_(None), Organisation.id, Member.id)
    )
    caps = point_cap.of_branch(session, branch_id)
    people: dict[int, tuple[str, str]] = {}
    have: dict[int, dict[str, int]] = defaultdict(dict)
    for member, name, group, dimension, amount in rows:
        people[member] = (name, group or NO_GROUP)
        if dimension:
            have[member][dimension] = caps.counted(dimension, amount, period)
    return [
        Row(member, name, group, tuple(have[member].get(one, 0) for one in dimensions()))
        for member, (name, group) in people.items()
    ]


@dataclass(frozen=True, slots=True)
class Unfair:
    """Who earned nothing in a dimension in this quarter and the last: ``names``, and the groups in which nobody did."""

    dimension: str
    names: tuple[str, ...]
    groups: tuple[str, ...]
    everybody: bool


def no_chance(session: Session, branch_id: int, now: datetime) -> list[Unfair]:
    """The fairness check. Nothing for two quarters says that the rules or the work give no chance, not that a person is lazy."""
    this = quarter(now)
    both = [table(session, branch_id, period) for period in (this, previous(this))]
    found = []
    for place, name in enumerate(dimensions()):
        earned = {row.member_id for rows in both for row in rows if row.dimensions[place] > 0}
        without = [row for row in both[0] if row.member_id not in earned]
        if not without:
            continue
        with_some = {row.group for row in both[0] if row.member_id in earned}
        groups = tuple(dict.fromkeys(row.group for row in without if row.group not in with_some))
        found.append(Unfair(name, tuple(row.name for row in without), groups, len(without) == len(both[0])))
    return found


@dataclass(frozen=True, slots=True)
class Quarter:
    """A branch's quarter in figures; ``none`` is how many have no points."""

    period: str
    people: int
    median: float
    mean: float
    none: int


def trend(session: Session, branch_id: int, now: datetime, *, count: int = 4) -> list[Quarter]:
    """The last quarters, oldest first, of those who are in the branch today."""
    this = quarter(now)
    found = []
    for back in range(count - 1, -1, -1):
        period = previous(this, back)
        totals = [row.total for row in table(session, branch_id, period)]
        if totals:
            none = sum(not one for one in totals)
            found.append(Quarter(period, len(totals), float(median(totals)), mean(totals), none))
    return found


def upper_third(rows: list[Row]) -> list[Row]:
    """Those who may be shown by name where a branch has switched a ranking on: at most a third, without equals at the edge."""
    best = sorted(rows, key=lambda row: (-row.total, row.member_id))
    most = len(best) // 3
    edge = best[most].total if len(best) > most else 0
    return [row for row in best[:most] if row.total > max(edge, 0)]
