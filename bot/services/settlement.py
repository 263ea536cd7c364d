"""Settling points: a period is drafted, made known to each member, open to appeals, and then final. What comes later counts in the next one.

How much a member has in it is reckoned in :mod:`bot.services.reckoning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.models.points import Claim, ClaimKind, ClaimState, PointEntry
from bot.models.settlement import Settlement, SettlementResult, SettlementState
from bot.services import outbox, point_cap, point_rule, point_setting
from bot.services.permission import Action, holders
from bot.services.reckoning import Reckoned, newest_entries, reckon
from bot.services.setting import calendar
from bot.services.settlement_period import Period, title
from bot.times import at_time, day, full_moment, local

CLOSES = time(18)
_BULK = {"synchronize_session": False}


class NotEnded(Refusal):
    text = "{period}还没有结束（到 {end}），结束后再结算。"


class AlreadyKnown(Refusal):
    text = "{period}{state}，不用再结算。发 结算情况 查看。"


class Overlaps(Refusal):
    text = "{period}与已结算的{other}有重叠，不能再结算。"


class EarlierIsOpen(Refusal):
    text = "{other}还在公示，定稿后再结算{period}。"


class TooLate(Refusal):
    text = "{other}已经结算，{period}不能再补结；漏记的分请用 加分，会计入下一期。"


class NobodyThere(Refusal):
    text = "本支部没有在册党员，不能结算。"


def _write(session: Session, settlement: Settlement, members: Sequence[int], chosen: Select[int]) -> None:
    """Replace the results by what the ledger says now."""
    period = Period(settlement.period, settlement.starts_on, settlement.ends_on)
    found = reckon(session, chosen, period, point_cap.of_branch(session, settlement.branch_id))
    newest = newest_entries(session, chosen)
    names = [one.name for one in point_rule.rules().dimensions]
    rows = [
        {
            "settlement_id": settlement.id,
            "member_id": member,
            "dimensions": {name: found[member].dimensions[name] for name in _names(names, found[member])},
            "correction": found[member].correction,
            "total": found[member].total,
            "through_id": newest.get(member, (0, ""))[0],
            "chain": newest.get(member, (0, ""))[1],
        }
        for member in members
    ]
    session.execute(
        delete(SettlementResult).where(SettlementResult.settlement_id == settlement.id),
        execution_options=_BULK,
    )
    session.execute(insert(SettlementResult), rows)


def _names(names: Iterable[str], one: Reckoned) -> list[str]:
    """The dimensions of the rules, then those that only old entries have."""
    return list(dict.fromkeys([*names, *sorted(one.dimensions)]))


# Draft, notice, final ---------------------------------------------------------------------------------------------------


def draft(session: Session, branch: Organisation, period: Period, *, by: Member, now: datetime) -> Settlement:
    """A draft of a period that is over, made anew if there is one. Refusals name what stands in the way."""
    if period.ends_on >= now.date():
        raise NotEnded(period=title(period.name), end=day(period.ends_on, now))
    _require_free(session, branch, period)
    settlement = session.scalar(
        select(Settlement).where(Settlement.branch_id == branch.id, Settlement.period == period.name)
    )
    if settlement is None:
        settlement = Settlement(
            branch_id=branch.id,
            period=period.name,
            starts_on=period.starts_on,
            ends_on=period.ends_on,
            state=SettlementState.DRAFT,
            created_by=by.id,
            created_at=now,
        )
        session.add(settlement)
        session.flush()
    chosen = select(Member.id).where(
        Member.branch_id == branch.id, Member.active, Member.status.in_(PARTY_MEMBERS)
    )
    members = session.scalars(chosen.order_by(Member.id)).all()
    if not members:
        raise NobodyThere
    _write(session, settlement, members, chosen)
    return settlement


def _require_free(session: Session, branch: Organisation, period: Period) -> None:
    """Periods are settled in order, one at a time, and none twice."""
    known = session.scalars(
        select(Settlement)
        .where(Settlement.branch_id == branch.id, Settlement.state != SettlementState.DRAFT)
        .order_by(Settlement.ends_on)
    )
    for other in known:
        names = {"period": title(period.name), "other": title(other.period)}
        if other.period == period.name:
            raise AlreadyKnown(period=names["period"], state=other.state.value)
        if other.starts_on <= period.ends_on and period.starts_on <= other.ends_on:
            raise Overlaps(**names)
        if other.ends_on > period.ends_on:
            raise TooLate(**names)
        if other.state is SettlementState.NOTICE:
            raise EarlierIsOpen(**names)


def publish(session: Session, settlement: Settlement, *, now: datetime) -> int:
    """Begin the public notice and tell each member the own result; returns how many are told."""
    branch = session.get_one(Organisation, settlement.branch_id)
    _require_free(session, branch, Period(settlement.period, settlement.starts_on, settlement.ends_on))
    days = point_setting.read(session, settlement.branch_id).notice_days
    closes = at_time(calendar().next_workday(now.date(), days), CLOSES, now)
    _rewrite(session, settlement)
    moved = session.scalar(
        update(Settlement)
        .where(Settlement.id == settlement.id, Settlement.state == SettlementState.DRAFT)
        .values(state=SettlementState.NOTICE, published_at=now, closes_at=closes)
        .returning(Settlement.id)
        .execution_options(**_BULK)
    )
    if moved is None:
        raise AlreadyKnown(period=title(settlement.period), state=SettlementState.NOTICE.value)
    session.refresh(settlement)
    told = {one.member_id: told_text(one, settlement, now) for one in results(session, settlement.id)}
    outbox.push_each(session, told, key=f"settlement {settlement.id}", now=now)
    return len(told)


def _rewrite(session: Session, settlement: Settlement) -> None:
    """Reckon again for the members who are in it; nobody joins or leaves a settlement after the draft."""
    chosen = select(SettlementResult.member_id).where(SettlementResult.settlement_id == settlement.id)
    members = session.scalars(chosen.order_by(SettlementResult.member_id)).all()
    # Whoever is awarded points at this moment is waited for, so that no entry is older than it looks.
    session.execute(
        select(Member.id).where(Member.id.in_(members)).order_by(Member.id).with_for_update(key_share=True)
    )
    # The results are rewritten, so the ids must not be read from them.
    _write(session, settlement, members, select(Member.id).where(Member.id.in_(members)))


def told_text(one: SettlementResult, settlement: Settlement, now: datetime) -> str:
    """A member's own result with the way to contest it."""
    assert settlement.closes_at is not None
    return (
        f"{title(settlement.period)}积分公示：您共 {one.total} 分（{parts(one)}）。\n"
        f"公示到 {full_moment(settlement.closes_at, now)}。有异议请先发 积分明细 查编号，再发：申诉 编号 理由"
    )


def parts(one: SettlementResult) -> str:
    """模范作用发挥 3，…，往期更正 -2."""
    said = [f"{name} {value}" for name, value in one.dimensions.items()]
    return "，".join([*said, *([f"往期更正 {one.correction:+d}"] if one.correction else [])])


def results(session: Session, settlement_id: int) -> Sequence[SettlementResult]:
    """All results of a settlement in the order of the roster, never of the points."""
    rows = select(SettlementResult).where(SettlementResult.settlement_id == settlement_id)
    return session.scalars(
        rows.order_by(SettlementResult.member_id).execution_options(populate_existing=True)
    ).all()


def contestable(session: Session, entry: PointEntry, now: datetime) -> bool:
    """Whether an entry's day lies in a period whose public notice is open, so that it may be contested however old it is."""
    found = session.scalar(
        select(Settlement.id)
        .join(SettlementResult, SettlementResult.settlement_id == Settlement.id)
        .where(
            SettlementResult.member_id == entry.member_id,
            Settlement.state == SettlementState.NOTICE,
            Settlement.closes_at > now,
            Settlement.starts_on <= entry.day,
            Settlement.ends_on >= entry.day,
        )
        .limit(1)
    )
    return found is not None


def waiting_appeals(session: Session, settlement: Settlement) -> int:
    """How many appeals of its members are not decided; while there is one, nothing becomes final."""
    chosen = select(SettlementResult.member_id).where(SettlementResult.settlement_id == settlement.id)
    return (
        session.scalar(
            select(func.count()).where(
                Claim.kind == ClaimKind.APPEAL,
                Claim.state == ClaimState.WAITING,
                Claim.member_id.in_(chosen),
                Claim.at <= settlement.closes_at,
            )
        )
        or 0
    )


def due(session: Session, now: datetime) -> Sequence[int]:
    """The settlements whose public notice has ended."""
    ended = (Settlement.state == SettlementState.NOTICE, Settlement.closes_at <= now)
    return session.scalars(select(Settlement.id).where(*ended).order_by(Settlement.id)).all()


def close(session: Session, settlement_id: int, now: datetime) -> bool:
    """Make a settlement final that is due, unless an appeal waits: then the secretary is told, once a day. Whether it became final."""
    one = session.scalars(select(Settlement).where(Settlement.id == settlement_id).with_for_update()).one()
    if one.state is not SettlementState.NOTICE or one.closes_at is None or one.closes_at > now:
        return False
    appeals = waiting_appeals(session, one)
    if appeals:
        _ask_to_decide(session, one, appeals, now)
        return False
    _finish(session, one, now)
    return True


def _ask_to_decide(session: Session, settlement: Settlement, appeals: int, now: datetime) -> None:
    text = f"{title(settlement.period)}积分公示期已过，还有 {appeals} 件申诉没有处理，处理完才能定稿。请回复 审核"
    chiefs = _chiefs(session, settlement, now)
    outbox.push(session, chiefs, text, key=f"settlement {settlement.id} appeals {now.date()}", now=now)


def _finish(session: Session, settlement: Settlement, now: datetime) -> None:
    before = dict(_totals(session, settlement.id))
    _rewrite(session, settlement)
    settlement.state, settlement.final_at = SettlementState.FINAL, now
    changed = [one for one in results(session, settlement.id) if one.total != before[one.member_id]]
    name = title(settlement.period)
    told = {
        one.member_id: f"{name}积分已定稿：您共 {one.total} 分（公示时 {before[one.member_id]} 分）。{parts(one)}。发 积分明细 可以查看。"
        for one in changed
    }
    outbox.push_each(session, told, key=f"settlement {settlement.id} final", now=now, urgency=Urgency.ANSWER)
    text = f"{name}积分已定稿：{len(before)} 人，公示后有变动 {len(changed)} 人。以后的更正计入下一期。发 结算情况 查看。"
    outbox.push(
        session,
        _chiefs(session, settlement, now),
        text,
        key=f"settlement {settlement.id} final chief",
        now=now,
    )


def _totals(session: Session, settlement_id: int) -> Iterable[tuple[int, int]]:
    rows = select(SettlementResult.member_id, SettlementResult.total)
    return [
        (who, total)
        for who, total in session.execute(rows.where(SettlementResult.settlement_id == settlement_id))
    ]


def _chiefs(session: Session, settlement: Settlement, now: datetime) -> list[int]:
    return [
        one.id for one in holders(session, Action.SETTLE, settlement.branch_id, on=local(now, now).date())[:1]
    ]


def newest(session: Session, branch_id: int) -> Settlement | None:
    """The branch's newest settlement, a draft included."""
    rows = select(Settlement).where(Settlement.branch_id == branch_id).order_by(Settlement.ends_on.desc())
    return session.scalars(rows.limit(1)).one_or_none()


def own(session: Session, member_id: int) -> tuple[Settlement, SettlementResult] | None:
    """A member's newest result that is known to the branch."""
    row = session.execute(
        select(Settlement, SettlementResult)
        .join(SettlementResult, SettlementResult.settlement_id == Settlement.id)
        .where(SettlementResult.member_id == member_id, Settlement.state != SettlementState.DRAFT)
        .order_by(Settlement.ends_on.desc())
        .limit(1)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def suggested(session: Session, settlement_id: int) -> list[str]:
    """Who could be 优秀 by points alone: at most a third (rounded down) of the full members, for the meeting to weigh with all else.

    Source: 《中国共产党支部工作条例（试行）》第十八条 (DOMAIN: high): 优秀 at most a third, probationary members take part without a grade.
    Where the last places are equal, none of the equals is named: points do not decide what the meeting decides.
    """
    rows = session.execute(
        select(Member.name, SettlementResult.total)
        .join(Member, Member.id == SettlementResult.member_id)
        .where(SettlementResult.settlement_id == settlement_id, Member.status == MemberStatus.FULL)
        .order_by(SettlementResult.total.desc(), Member.id)
    ).all()
    most = len(rows) // 3
    edge = rows[most].total if len(rows) > most else 0
    return [name for name, total in rows[:most] if total > max(edge, 0)]
