"""The ledger of points: every award has a rule, a version and a fact; a correction is a reversing row; balances move with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.points import PointBalance, PointEntry
from bot.times import local, quarter
from content import points as rules_file
from content.points import PointRules, Rule


class NoSuchEntry(Refusal):
    text = "没有找到您能处理的第 {number} 条积分。发 积分明细 可以看到编号。"


class AlreadyReversed(Refusal):
    text = "第 {number} 条积分已经更正过了。"


@lru_cache(maxsize=1)
def rules() -> PointRules:
    """The shipped rules, read once."""
    return rules_file.load()


@dataclass(frozen=True, slots=True)
class Award:
    """What was really given: ``points`` may be less than the rule's because of a cap, even 0; ``total`` is the quarter's sum after it."""

    points: int
    rule: Rule
    total: int
    entry_id: int | None


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


def award(
    session: Session,
    member_id: int,
    code: str,
    *,
    fact: str,
    reason: str,
    now: datetime,
    points: int | None = None,
    giver_id: int | None = None,
) -> Award:
    """Give points for a fact. The same fact earns once; above a cap nothing more is given (the entry is then not written).

    ``fact`` is a unique name such as "attendance 12 34"; ``now`` carries the zone that decides day, month and quarter.
    """
    rule = rules().rule(code, now.date())
    wanted = rule.points if points is None else points
    given = min(wanted, _left_of_cap(session, member_id, rule, now))
    period = quarter(now)
    if given <= 0:
        return Award(0, rule, total(session, member_id, period), None)
    row = {
        "member_id": member_id,
        "rule": rule.code,
        "version": rule.version,
        "dimension": rule.dimension,
        "points": given,
        "fact": fact,
        "reason": reason,
        "period": period,
        "giver_id": giver_id,
        "reverses_id": None,
        "at": now,
    }
    entry_id = session.execute(
        upsert(session, PointEntry).values(row).on_conflict_do_nothing(index_elements=["fact"]).returning(PointEntry.id)
    ).scalar()
    if entry_id is None:
        return Award(0, rule, total(session, member_id, period), None)
    _move(session, member_id, period, rule.dimension, given)
    return Award(given, rule, total(session, member_id, period), entry_id)


def reverse(session: Session, entry: PointEntry, *, reason: str, giver_id: int, now: datetime) -> PointEntry:
    """Take an entry back by a new row in the entry's own period; :class:`AlreadyReversed` the second time."""
    if session.scalar(select(PointEntry.id).where(PointEntry.reverses_id == entry.id)) or entry.reverses_id:
        raise AlreadyReversed(number=entry.id)
    row = PointEntry(
        member_id=entry.member_id,
        rule=entry.rule,
        version=entry.version,
        dimension=entry.dimension,
        points=-entry.points,
        fact=f"reversal {entry.id}",
        reason=reason,
        period=entry.period,
        giver_id=giver_id,
        reverses_id=entry.id,
        at=now,
    )
    session.add(row)
    session.flush()
    _move(session, entry.member_id, entry.period, entry.dimension, -entry.points)
    return row


def total(session: Session, member_id: int, period: str) -> int:
    """The sum of a member's balances of a quarter, dimensions uncapped."""
    return session.scalar(
        select(func.coalesce(func.sum(PointBalance.points), 0)).where(
            PointBalance.member_id == member_id, PointBalance.period == period
        )
    ) or 0


def standing(session: Session, member_id: int, now: datetime) -> Standing:
    """Where a member stands in the quarter of ``now``."""
    period = quarter(now)
    rows = session.execute(
        select(PointBalance.period, PointBalance.dimension, PointBalance.points).where(
            PointBalance.member_id == member_id, PointBalance.period.startswith(str(now.year))
        )
    ).all()
    have = {dimension: points for p, dimension, points in rows if p == period}
    dimensions = tuple((d.name, have.get(d.name, 0), d.cap) for d in rules().dimensions)
    return Standing(period, dimensions, sum(points for _, _, points in rows))


def last_entries(session: Session, member_id: int, *, most: int = 5, skip: int = 0) -> Sequence[PointEntry]:
    """The newest entries of a member."""
    return session.scalars(
        select(PointEntry).where(PointEntry.member_id == member_id).order_by(PointEntry.id.desc()).limit(most).offset(skip)
    ).all()


def branch_median(session: Session, branch_id: int, now: datetime) -> float | None:
    """The median of this quarter's totals of a branch's active members; None with fewer than five of them (nobody is to be guessed)."""
    sums = (
        select(Member.id, func.coalesce(func.sum(PointBalance.points), 0).label("total"))
        .outerjoin(PointBalance, (PointBalance.member_id == Member.id) & (PointBalance.period == quarter(now)))
        .where(Member.branch_id == branch_id, Member.active)
        .group_by(Member.id)
    )
    totals = sorted(row.total for row in session.execute(sums))
    if len(totals) < 5:
        return None
    middle = len(totals) // 2
    return float(totals[middle]) if len(totals) % 2 else (totals[middle - 1] + totals[middle]) / 2


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A balance that differs from its ledger."""

    member_id: int
    period: str
    dimension: str
    ledger: int
    balance: int


def verify(session: Session) -> list[Discrepancy]:
    """Recompute every balance from the ledger; the list is empty when all is well."""
    key = (PointEntry.member_id, PointEntry.period, PointEntry.dimension)
    ledger = {tuple(row[:3]): row[3] for row in session.execute(select(*key, func.sum(PointEntry.points)).group_by(*key))}
    balances = {
        (b.member_id, b.period, b.dimension): b.points for b in session.scalars(select(PointBalance))
    }
    return [
        Discrepancy(*where, ledger.get(where, 0), balances.get(where, 0))
        for where in sorted(ledger.keys() | balances.keys())
        if ledger.get(where, 0) != balances.get(where, 0)
    ]


def _left_of_cap(session: Session, member_id: int, rule: Rule, now: datetime) -> int:
    earned = session.scalar(
        select(func.coalesce(func.sum(PointEntry.points), 0)).where(
            PointEntry.member_id == member_id, PointEntry.rule == rule.code, PointEntry.at >= _period_start(rule.per, now)
        )
    )
    return rule.cap - (earned or 0)


def _period_start(per: str, now: datetime) -> datetime:
    midnight = local(now, now).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        return midnight
    first = midnight.replace(day=1)
    return first if per == "month" else first.replace(month=(now.month - 1) // 3 * 3 + 1)


def _move(session: Session, member_id: int, period: str, dimension: str, points: int) -> None:
    """Add to a balance atomically, in one statement, so that no two awards lose each other."""
    statement = upsert(session, PointBalance).values(
        member_id=member_id, period=period, dimension=dimension, points=points
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["member_id", "period", "dimension"], set_={"points": PointBalance.points + points}
        )
    )

