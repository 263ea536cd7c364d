"""The seal on the ledger: each row is hashed with the member's row before it, so that an edit behind the product's back is found and named.

One chain for each member, so that awards of different people do not wait for each other. A seal is ``number-sha256``: the number counts the
member's rows, so a removed row leaves a gap. The newest seal also stands in the balance that the row moved, and in final settlements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from hashlib import sha256
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, cast, func, select
from sqlalchemy.orm import Session

from bot.models.points import PointBalance, PointEntry
from bot.models.settlement import Settlement, SettlementResult, SettlementState

FACTS = (
    "member_id",
    "rule",
    "version",
    "dimension",
    "points",
    "fact",
    "reason",
    "period",
    "giver_id",
    "reverses_id",
)
Line = Sequence[Any]
"""A row as it is read: id, the facts, moment, day, seal."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_NEWEST = (
    select(PointEntry.__table__.c["chain"])
    .where(PointEntry.member_id == bindparam("member"))
    .order_by(PointEntry.id.desc())
    .limit(1)
)


def newest(session: Session, member_id: int) -> str:
    """The seal of a member's newest row, the empty string without any. The caller holds the member's lock."""
    return session.connection().execute(_NEWEST, {"member": member_id}).scalar() or ""


def seal(before: str, row: dict[str, Any]) -> str:
    """The seal of a new row after the one whose seal is ``before``."""
    at = f"{row['at'].astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    return _seal(_number(before) + 1, [before, *(row[name] for name in FACTS), at, row["day"].isoformat()])


def _seal(number: int, facts: list[Any]) -> str:
    return f"{number}-{sha256(_encode(facts).encode()).hexdigest()}"


def _number(chain: str) -> int:
    head = chain.partition("-")[0]
    return int(head) if head.isascii() and head.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something wrong with a member's points: a balance that is not its ledger's sum, or (``entry_id``) a row that was tampered with."""

    member_id: int
    period: str
    dimension: str
    ledger: int
    balance: int
    entry_id: int | None = None
    what: str = "balance is not the sum of the ledger"


@dataclass(slots=True)
class Verified:
    """How many rows were looked at, and what is wrong."""

    rows: int = 0
    wrong: list[Discrepancy] = field(default_factory=list)


Span = tuple[int, int]
"""The first and the last id of the members who are looked at."""
EVERYBODY: Span = (0, 2**62)


def verify(session: Session, span: Span = EVERYBODY) -> Verified:
    """Recompute every seal and every balance. Memory grows with members and quarters, not with rows."""
    done, sums, last = Verified(), dict[Any, int](), dict[Any, str]()
    anchors = _anchors(session, span)
    for member, rows in groupby(_rows(session, span), itemgetter(1)):
        done.rows += _member(rows, member, anchors, sums, last, done.wrong)
    done.wrong += (
        Discrepancy(who, "", "", 0, 0, entry, "removed after a final settlement") for who, entry in anchors
    )
    done.wrong += _balances(session, span, sums, last)
    return done


def size(session: Session) -> int:
    """How many entries there are to look at, at most."""
    return session.scalar(select(func.max(PointEntry.id))) or 0


def spans(session: Session, count: int) -> list[Span]:
    """All members in so many spans of ids (fewer when there are fewer members), which can be verified one beside the other."""
    last = session.scalar(select(func.max(PointEntry.member_id))) or 0
    firsts = range(0, last + 1, -(-(last + 1) // count))
    return [*((first, first + firsts.step - 1) for first in firsts[:-1]), (firsts[-1], EVERYBODY[1])]


def _member(
    rows: Iterator[Line],
    member: int,
    anchors: dict[tuple[int, int], str],
    sums: dict[Any, int],
    last: dict[Any, str],
    wrong: list[Discrepancy],
) -> int:
    """Walk through the rows of one member; how many there were. Millions pass here, so that the usual case comes first and calls little."""
    before, number, odd, count = "", 0, None, 0
    for row in rows:
        sealed = row[-1]
        count, number = count + 1, number + 1
        if odd is None and sealed == f"{number}-{sha256(_encode([before, *row[1:-1]]).encode()).hexdigest()}":
            before = sealed
        else:
            before, odd = _stumble(before, odd, row, wrong)
            number = _number(before)
        key = (member, row[8], row[4])
        sums[key] = sums.get(key, 0) + row[5]
        last[key] = sealed
        if anchors and anchors.pop((member, row[0]), sealed) != sealed:
            wrong.append(_broken(row, "differs from what a final settlement saw"))
    if odd is not None:
        wrong.append(_edited_or_gap(*odd))
    return count


def _rows(session: Session, span: Span) -> Iterator[Line]:
    """The ledger member by member; moments and days as the text that was hashed, which spares parsing them."""
    t = PointEntry.__table__.c
    at: ColumnElement[Any] = cast(t.at, String)
    if session.get_bind().dialect.name == "postgresql":
        at = func.to_char(func.timezone("UTC", t.at), "YYYY-MM-DD HH24:MI:SS.US")
    columns = select(t.id, *(t[name] for name in FACTS), at, cast(t.day, String), t.chain)
    in_order = columns.where(t.member_id.between(*span)).order_by(t.member_id, t.id)
    rows = session.connection().execute(in_order.execution_options(yield_per=5000))
    return chain.from_iterable(rows.partitions())


_Odd = tuple[str, Line] | None
"""A row that does not fit, with the seal before it, until the next one tells why."""


def _stumble(before: str, odd: _Odd, row: Line, wrong: list[Discrepancy]) -> tuple[str, _Odd]:
    """A row that does not fit, or the one after it, which tells why: if it follows the row before the odd one, that was put in between.

    Returns the seal that the next row follows, and this row if it is odd.
    """
    if odd is not None:
        inserted = _follows(odd[0], row)
        wrong.append(_broken(odd[1], "inserted") if inserted else _edited_or_gap(*odd))
        before = odd[0] if inserted else before
    return row[-1], None if _follows(before, row) else (before, row)


def _follows(before: str, row: Line) -> bool:
    return bool(row[-1] == _seal(_number(before) + 1, [before, *row[1:-1]]))


def _edited_or_gap(before: str, row: Line) -> Discrepancy:
    gap = _number(row[-1]) - _number(before) - 1
    if gap > 0:
        return _broken(row, f"{gap} removed before this row")
    return _broken(row, "edited" if gap == 0 else "inserted")


def _broken(row: Line, what: str) -> Discrepancy:
    return Discrepancy(row[1], row[8], row[4], row[5], 0, row[0], what)


def _balances(
    session: Session, span: Span, sums: dict[Any, int], last: dict[Any, str]
) -> Iterator[Discrepancy]:
    """Balances that are not the sum, or whose newest row is gone."""
    t = PointBalance.__table__.c
    columns = select(t.member_id, t.period, t.dimension, t.points, t.chain).where(t.member_id.between(*span))
    have = {tuple(row[:3]): row[3:] for row in session.connection().execute(columns)}
    for key in sorted(sums.keys() | have.keys()):
        who, period, dimension = key
        points, seal = have.get(key, (0, ""))
        ledger = sums.get(key, 0)
        if ledger != points:
            yield Discrepancy(who, period, dimension, ledger, points)
        elif last.get(key, "") != seal:
            yield Discrepancy(who, period, dimension, ledger, points, None, "newest row removed or inserted")


def _anchors(session: Session, span: Span) -> dict[tuple[int, int], str]:
    """The seals that final settlements kept, by member and entry."""
    rows = session.execute(
        select(SettlementResult.member_id, SettlementResult.through_id, SettlementResult.chain)
        .join(Settlement, Settlement.id == SettlementResult.settlement_id)
        .where(Settlement.state == SettlementState.FINAL, SettlementResult.through_id > 0)
        .where(SettlementResult.member_id.between(*span))
    )
    return {(member, entry): chain for member, entry, chain in rows}


__all__ = ["Discrepancy", "Verified", "newest", "seal", "verify"]
