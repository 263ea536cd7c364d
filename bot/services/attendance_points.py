"""What being there earned: how its entries are named in the ledger, and which of them stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from bot.db import begins_with
from bot.models.points import PointEntry
from bot.services import points

# Built once, and by the member, for whom there is an index: in a rush nobody may read the whole ledger.
_TIMES = select(func.count()).where(
    PointEntry.member_id == bindparam("member"),
    or_(PointEntry.fact == bindparam("name"), PointEntry.fact.startswith(bindparam("again"))),
)


def fact(session: Session, activity_id: int, member_id: int) -> str:
    """The name of an attendance for the ledger. One that was undone and made again is a new fact."""
    name = _name(activity_id, member_id)
    known = session.scalar(_TIMES, {"member": member_id, "name": name, "again": f"{name} again "})
    return f"{name} again {known}" if known else name


def standing(session: Session, activity_id: int, member_id: int) -> PointEntry | None:
    """The entry of an attendance that was not taken back."""
    name = _name(activity_id, member_id)
    earned = or_(PointEntry.fact == name, begins_with(PointEntry.fact, f"{name} again "))
    return session.scalars(select(PointEntry).where(earned, points.STANDS)).one_or_none()


def given(session: Session, activity_ids: Sequence[int]) -> Counter[int]:
    """By activity, the points that attendance earned, without what was reversed."""
    sums = Counter[int]()
    if not activity_ids:
        return sums
    facts = [begins_with(PointEntry.fact, f"attendance {number} ") for number in activity_ids]
    rows = session.execute(select(PointEntry.fact, PointEntry.points).where(or_(*facts), points.STANDS))
    for name, amount in rows:
        sums[int(name.split(" ")[1])] += amount
    return sums


def _name(activity_id: int, member_id: int) -> str:
    return f"attendance {activity_id} {member_id}"
