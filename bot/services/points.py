"""The ledger of points: every award has a rule, a version and a fact; a correction is a reversing row; balances move with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from bot.db import dialect_of, upsert_into
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import PointBalance, PointEntry
from bot.services import point_account, point_cap, point_chain, point_rule
from bot.services.permission import Action, Actor
from bot.services.point_chain import Discrepancy
from bot.services.point_rule import PER, most_of
from bot.times import local, quarter
from content.points import Rule


class NoSuchEntry(Refusal):
    text = "没有找到您能处理的第 {number} 条积分。发 积分明细 可以看到编号。"


class AlreadyReversed(Refusal):
    text = "第 {number} 条积分已经更正过了，不能再更正。发 积分明细 可以看到更正的那一条。"


class IsAReversal(Refusal):
    text = "第 {number} 条本身就是更正，不能再更正。本人有异议可以发：申诉 {number} 理由"


class Oneself(Refusal):
    text = "不能给自己加分或更正，请由支部其他委员办理。"


class OutOfUse(Refusal):
    text = "{name}已停用，不能加分。如已回到支部，请先发：恢复 {name}"


class RuleOutOfUse(Refusal):
    text = "本支部现在不用“{rule}”这条规则记分。发 积分规则 看看有哪些。"


class WrongAmount(Refusal):
    text = "按“{rule}”每次可给 1–{most} 分，您写的是 {points} 分，请重新写。"


class OverCap(Refusal):
    text = "按“{rule}”{per}最多计 {cap} 分，{name}还可加 {room} 分，没有加分。"


@dataclass(frozen=True, slots=True)
class Award:
    """What was really given: ``points`` may be less than the rule's because of a cap, even 0; ``total`` is the quarter's sum after it."""

    points: int
    rule: Rule
    total: int
    entry_id: int | None


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
    """Give points for a fact. The same fact earns once; above a cap, or where the branch does not use the rule, nothing is given and written.

    ``fact`` is a unique name such as "attendance 12 34"; ``now`` carries the zone that decides day, month and quarter.
    """
    rule = point_rule.for_member(session, member_id, code, now.date())
    wanted = rule.points if points is None else points
    given = min(wanted, room(session, member_id, rule, now)) if rule.active else 0
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
        "day": now.date(),
    }
    row = _sealed(session, row)
    entry_id = session.connection().execute(_writing(dialect_of(session)).entry, row).scalar()
    if entry_id is None:
        return Award(0, rule, total(session, member_id, period), None)
    _move(session, row)
    return Award(given, rule, total(session, member_id, period), entry_id)


def reverse(session: Session, entry: PointEntry, *, reason: str, giver_id: int, now: datetime) -> PointEntry:
    """Take an entry back by a new row in the entry's own period; :class:`AlreadyReversed` the second time, :class:`IsAReversal` for a reversal."""
    if entry.reverses_id:
        raise IsAReversal(number=entry.id)
    if session.scalar(select(PointEntry.id).where(PointEntry.reverses_id == entry.id)):
        raise AlreadyReversed(number=entry.id)
    facts = {"points": -entry.points, "fact": f"reversal {entry.id}", "reverses_id": entry.id}
    return _like(session, entry, facts, reason, giver_id, now)


def _like(
    session: Session, entry: PointEntry, facts: dict[str, Any], reason: str, giver_id: int, now: datetime
) -> PointEntry:
    """A new row by the rule, version, quarter and day of an old one."""
    lock(session, entry.member_id)
    kept = ("member_id", "rule", "version", "dimension", "period", "day")
    row = _sealed(
        session,
        {
            **{name: getattr(entry, name) for name in kept},
            "reason": reason,
            "giver_id": giver_id,
            "at": now,
            **facts,
        },
    )
    new = PointEntry(**row)
    session.add(new)
    session.flush()
    _move(session, row)
    return new


def give(
    session: Session,
    giver_id: int,
    member: Member,
    rule: Rule,
    points: int,
    *,
    fact: str,
    reason: str,
    now: datetime,
) -> Award:
    """Points that a person gives by a rule: the whole amount or a refusal that says why not.

    :class:`Oneself`, :class:`OutOfUse`, :class:`RuleOutOfUse`, :class:`WrongAmount` (above what the rule allows at a time) or :class:`OverCap`.
    """
    if member.id == giver_id:
        raise Oneself
    if not member.active:
        raise OutOfUse(name=member.name)
    if not rule.active:
        raise RuleOutOfUse(rule=rule.name)
    if not 0 < points <= most_of(rule):
        raise WrongAmount(rule=rule.name, most=most_of(rule), points=points)
    left = room(session, member.id, rule, now)
    if left < points:
        raise OverCap(rule=rule.name, per=PER[rule.per], cap=rule.cap, name=member.name, room=max(left, 0))
    return award(
        session, member.id, rule.code, fact=fact, reason=reason, now=now, points=points, giver_id=giver_id
    )


def short(text: str, most: int) -> str:
    """A reason cut so that it fits a line."""
    return text if len(text) <= most else text[: most - 1] + "…"


def live(session: Session, entry: PointEntry) -> tuple[PointEntry, bool]:
    """The row in which an entry lives on, and whether that row still counts.

    A reversal leads to what it took back; what was corrected leads to its correction.
    """
    if entry.reverses_id:
        entry = session.get_one(PointEntry, entry.reverses_id)
    while True:
        after = session.scalars(
            select(PointEntry).where(PointEntry.fact == f"correction {entry.id}")
        ).one_or_none()
        if after is None:
            break
        entry = after
    return entry, not session.scalar(select(PointEntry.id).where(PointEntry.reverses_id == entry.id))


def correct(
    session: Session, entry: PointEntry, points: int, *, reason: str, giver_id: int, now: datetime
) -> tuple[PointEntry | None, PointEntry | None]:
    """Make an entry count ``points``: a reversing row (None when it was already taken back) and a new row (None for 0 points).

    The new row has the old one's rule, version and quarter, so that the past is judged by its own rules. It is within what the rule gives for one
    deed, so no cap is asked: it takes the place of what was counted.
    """
    standing_entry, counts = live(session, entry)
    rule = point_rule.of_entry(session, standing_entry)
    if rule is not None and not 0 <= points <= most_of(rule):
        raise WrongAmount(rule=rule.name, most=most_of(rule), points=points)
    reversal = reverse(session, standing_entry, reason=reason, giver_id=giver_id, now=now) if counts else None
    if points == 0:
        return reversal, None
    facts = {"points": points, "fact": f"correction {standing_entry.id}", "reverses_id": None}
    return reversal, _like(session, standing_entry, facts, reason, giver_id, now)


def total(session: Session, member_id: int, period: str) -> int:
    """The sum of a member's quarter, each dimension counted up to its cap."""
    rows = point_account.balances(session, member_id, period, period)
    caps = point_cap.of_member(session, member_id)
    return sum(caps.counted(dimension, points, period) for _, dimension, points in rows)


# Built once: putting a statement together costs more than running it, and points are given all day.
_TAKEN_BACK = aliased(PointEntry)
STANDS = ~exists().where(_TAKEN_BACK.reverses_id == PointEntry.id)
"""Whether an entry was not taken back."""
_EARNED = select(func.coalesce(func.sum(PointEntry.points), 0)).where(
    PointEntry.member_id == bindparam("member"),
    PointEntry.rule == bindparam("rule"),
    PointEntry.at >= bindparam("since"),
    PointEntry.period == bindparam("period"),
    # IS NULL would send SQLite through the unique index of that column, which holds everybody's entries: it takes one row for the most that can come.
    func.coalesce(PointEntry.reverses_id, 0) == 0,
    STANDS,
)
_LOCK = select(Member.id).where(Member.id == bindparam("member")).with_for_update(key_share=True)


@dataclass(frozen=True, slots=True)
class _Writing:
    """How one kind of database writes an entry (its id, or nothing when the fact has one) and adds to a balance."""

    entry: Any
    balance: Any


@lru_cache
def _writing(dialect: str) -> _Writing:
    entry, balance = upsert_into(dialect, PointEntry), upsert_into(dialect, PointBalance)
    added = PointBalance.points + balance.excluded.points
    return _Writing(
        entry.on_conflict_do_nothing(index_elements=["fact"]).returning(PointEntry.id),
        balance.on_conflict_do_update(
            index_elements=["member_id", "period", "dimension"],
            set_={"points": added, "chain": balance.excluded.chain},
        ),
    )


def correctable(session: Session, actor: Actor, number: int) -> tuple[PointEntry, Member]:
    """Somebody's entry that the actor may take back; :class:`NoSuchEntry` outside the own branch, :class:`Oneself` for the own ones."""
    found = session.execute(
        select(PointEntry, Member)
        .join(Member, Member.id == PointEntry.member_id)
        .join(Organisation, Organisation.id == Member.branch_id)
        .where(PointEntry.id == number, actor.within(Action.GIVE_POINTS))
    ).one_or_none()
    if found is None:
        raise NoSuchEntry(number=number)
    if found[1].id == actor.member.id:
        raise Oneself
    return found[0], found[1]


def verify(session: Session) -> list[Discrepancy]:
    """Recompute every balance and every seal of the ledger; the list is empty when all is well."""
    return point_chain.verify(session).wrong


def room(session: Session, member_id: int, rule: Rule, now: datetime) -> int:
    """How many points a rule's cap still leaves a member in the day, month or quarter of ``now``. What was taken back does not count.

    The member is locked until the transaction ends, so that two awards at once cannot both take the last points.
    """
    lock(session, member_id)
    values = {
        "member": member_id,
        "rule": rule.code,
        "since": _period_start(rule.per, now),
        "period": quarter(now),
    }
    return rule.cap - session.connection().execute(_EARNED, values).scalar_one()


def _period_start(per: str, now: datetime) -> datetime:
    midnight = local(now, now).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        return midnight
    first = midnight.replace(day=1)
    return first if per == "month" else first.replace(month=(now.month - 1) // 3 * 3 + 1)


def lock(session: Session, member_id: int) -> None:
    """Let no other transaction add to a member's ledger until this one ends. On SQLite there is only one writer anyway."""
    if dialect_of(session) == "postgresql":
        session.connection().execute(_LOCK, {"member": member_id})


def _sealed(session: Session, row: dict[str, Any]) -> dict[str, Any]:
    """The row with its seal; the member is locked."""
    before = point_chain.newest(session, row["member_id"])
    return {**row, "chain": point_chain.seal(before, row)}


def _move(session: Session, row: dict[str, Any]) -> None:
    """Add a row to its balance atomically, in one statement, so that no two awards lose each other."""
    moved = {name: row[name] for name in ("member_id", "period", "dimension", "points", "chain")}
    session.connection().execute(_writing(dialect_of(session)).balance, moved)
