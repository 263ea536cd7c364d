"""What a member sees of the own points: where the quarter stands, the newest entries, page by page, and the branch's median."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.models.member import Member
from bot.models.points import PointBalance, PointEntry
from bot.services import point_cap, point_reason
from bot.times import quarter

# Built once: putting a statement together costs more than running it, and points are asked for all day.
_BALANCES = select(*PointBalance.__table__.c["period", "dimension", "points"]).where(
    PointBalance.member_id == bindparam("member"),
    PointBalance.period.between(bindparam("first"), bindparam("last")),
)
_LAST = (
    select(*PointEntry.__table__.c["id", "points", "reason"])
    .where(PointEntry.member_id == bindparam("member"))
    .order_by(PointEntry.id.desc())
    .limit(5)
)


def balances(session: Session, member_id: int, first: str, last: str) -> Sequence[Any]:
    """Period, dimension and points of a member's quarters from one to another."""
    span = {"member": member_id, "first": first, "last": last}
    return session.connection().execute(_BALANCES, span).all()


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's quarter: points per dimension in the order of the rules, and the sum of the calendar year."""

    period: str
    dimensions: tuple[tuple[str, int, int], ...]
    year: int

    @property
    def total(self) -> int:
        """The quarter's points, each dimension counted up to its cap."""
        return sum(min(points, cap) for _, points, cap in self.dimensions)


def standing(session: Session, member_id: int, now: datetime) -> Standing:
    """Where a member stands in the quarter of ``now``."""
    period = quarter(now)
    rows = balances(session, member_id, f"{now.year}Q1", f"{now.year}Q4")
    have = {dimension: points for p, dimension, points in rows if p == period}
    caps = point_cap.of_member(session, member_id)
    dimensions = tuple((name, have.get(name, 0), cap) for name, cap in caps.of(period).items())
    return Standing(
        period, dimensions, sum(caps.counted(dimension, points, p) for p, dimension, points in rows)
    )


@dataclass(frozen=True, slots=True)
class Brief:
    """An entry as the short list shows it."""

    id: int
    points: int
    reason: str


def last_entries(session: Session, member_id: int) -> list[Brief]:
    """The five newest entries of a member."""
    rows = session.connection().execute(_LAST, {"member": member_id})
    found = rows.all()
    reasons = point_reason.shown(session, member_id, [reason for _, _, reason in found])
    return [Brief(number, points, reason) for (number, points, _), reason in zip(found, reasons, strict=True)]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with its reason in words and the name of who gave it; no name for what the product itself counted."""

    entry: PointEntry
    reason: str
    giver: str | None


def page(session: Session, member_id: int, number: int, *, size: int = 10) -> tuple[list[Line], bool]:
    """A page (from 1) of a member's entries, newest first, and whether there are more."""
    rows = session.execute(
        select(PointEntry, Member.name)
        .outerjoin(Member, Member.id == PointEntry.giver_id)
        .where(PointEntry.member_id == member_id)
        .order_by(PointEntry.id.desc())
        .limit(size + 1)
        .offset((number - 1) * size)
    ).all()
    reasons = point_reason.shown(session, member_id, [entry.reason for entry, _ in rows])
    lines = [Line(entry, reason, giver) for (entry, giver), reason in zip(rows, reasons, strict=True)]
    return lines[:size], len(rows) > size


def branch_median(session: Session, branch_id: int, now: datetime) -> float | None:
    """The median of this quarter's totals of a branch's active members; None with fewer than five of them (nobody is to be guessed)."""
    rows = session.execute(
        select(Member.id, PointBalance.dimension, PointBalance.points)
        .outerjoin(
            PointBalance, (PointBalance.member_id == Member.id) & (PointBalance.period == quarter(now))
        )
        .where(Member.branch_id == branch_id, Member.active)
    )
    caps, period = point_cap.of_branch(session, branch_id), quarter(now)
    sums: dict[int, int] = defaultdict(int)
    for member_id, dimension, points in rows:
        sums[member_id] += caps.counted(dimension, points, period) if dimension else 0
    totals = sorted(sums.values())
    if len(totals) < 5:
        return None
    middle = len(totals) // 2
    return float(totals[middle]) if len(totals) % 2 else (totals[middle - 1] + totals[middle]) / 2
