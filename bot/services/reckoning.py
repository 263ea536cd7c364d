"""What members have in a period, as the difference of two readings of the ledger.

What counts up to the end of the period, less what counted in the member's last final settlement when it became final: so nothing is lost or
counted twice, whatever is corrected and when.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Select, Subquery, case, func, select
from sqlalchemy.orm import Session

from bot.models.points import PointEntry
from bot.models.settlement import Settlement, SettlementResult, SettlementState
from bot.services.point_cap import Caps
from bot.services.settlement_period import Period

_ALL = 2**62


@dataclass(slots=True)
class Reckoned:
    """One member's points of a period as the ledger says now."""

    dimensions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    correction: int = 0

    @property
    def total(self) -> int:
        return sum(self.dimensions.values()) + self.correction


def reckon(session: Session, members: Select[int], period: Period, caps: Caps) -> dict[int, Reckoned]:
    """What each of the members has in a period, by the caps of the branch that settles. A dimension counts up to its cap in each quarter; months share a quarter's cap."""
    latest = _latest_final(members)
    before = period.starts_on - timedelta(days=1)
    through = func.coalesce(latest.c.through_id, _ALL)
    since = func.coalesce(latest.c.ends_on, before)
    earlier = (PointEntry.day <= since) & (PointEntry.day <= period.ends_on)
    rows = session.execute(
        select(
            PointEntry.member_id,
            PointEntry.period,
            PointEntry.dimension,
            func.sum(PointEntry.points),
            func.sum(case((earlier, PointEntry.points), else_=0)),
            func.sum(case((earlier & (PointEntry.id <= through), PointEntry.points), else_=0)),
        )
        .outerjoin(latest, latest.c.member_id == PointEntry.member_id)
        .where(PointEntry.member_id.in_(members), PointEntry.day <= period.ends_on)
        .group_by(PointEntry.member_id, PointEntry.period, PointEntry.dimension)
    )
    found: dict[int, Reckoned] = defaultdict(Reckoned)
    for member, quarter, dimension, now, then, settled in rows:
        one, kept = found[member], caps.counted(dimension, then, quarter)
        one.dimensions[dimension] += caps.counted(dimension, now, quarter) - kept
        one.correction += kept - caps.counted(dimension, settled, quarter)
    return found


def _latest_final(members: Select[int]) -> Subquery:
    """For each member the end of the last final settlement, in whichever branch, and the newest entry that it saw."""
    ranked = (
        select(
            SettlementResult.member_id,
            SettlementResult.through_id,
            Settlement.ends_on,
            func.row_number()
            .over(
                partition_by=SettlementResult.member_id,
                order_by=(Settlement.ends_on.desc(), Settlement.id.desc()),
            )
            .label("place"),
        )
        .join(Settlement, Settlement.id == SettlementResult.settlement_id)
        .where(Settlement.state == SettlementState.FINAL, SettlementResult.member_id.in_(members))
        .subquery()
    )
    return select(ranked).where(ranked.c.place == 1).subquery()


def newest_entries(session: Session, members: Select[int]) -> dict[int, tuple[int, str]]:
    """The newest entry of each of the members, and its seal."""
    last = (
        select(func.max(PointEntry.id))
        .where(PointEntry.member_id.in_(members))
        .group_by(PointEntry.member_id)
    )
    rows = session.execute(
        select(PointEntry.member_id, PointEntry.id, PointEntry.chain).where(PointEntry.id.in_(last))
    )
    return {member: (entry, chain) for member, entry, chain in rows}
