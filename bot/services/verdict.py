"""Deciding about claims and appeals: somebody else than the author, once, with points by a rule or a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.models.points import Claim, ClaimKind, ClaimState, PointEntry
from bot.services import first_review, outbox, point_reason, point_rule, points
from bot.services.claim import STATES, choose, subject
from bot.services.permission import Action, Actor, holders
from content.points import Rule


class AlreadyDecided(Refusal):
    text = "这一件刚才已经由{by}处理：{how}。"


class NotYoursToDecide(Refusal):
    text = "这一件不能由您审核，或已不在审核中。发 审核 看其他的。"


class NothingToChange(Refusal):
    text = "第 {number} 条现在就是 {points} 分（规则最多 {most} 分）。{next}请回复 不同意 理由，或 跳过。"


@dataclass(frozen=True, slots=True)
class Case:
    """A waiting claim or appeal as its decider sees it; ``entry`` is what an appeal contests."""

    claim: Claim
    member: Member
    entry: PointEntry | None
    alone: bool


def waiting(session: Session, actor: Actor, *, on: date) -> list[Case]:
    """What the actor may decide, oldest first."""
    rows = session.execute(
        select(Claim, Member, PointEntry)
        .join(Member, Member.id == Claim.member_id)
        .join(Organisation, Organisation.id == Member.branch_id)
        .outerjoin(PointEntry, PointEntry.id == Claim.entry_id)
        .where(
            Claim.state == ClaimState.WAITING, Claim.member_id != actor.member.id, actor.within(Action.REVIEW)
        )
        .order_by(Claim.id)
    ).all()
    able = {
        branch: holders(session, Action.REVIEW, branch, on=on)
        for branch in {member.branch_id for _, member, _ in rows}
    }
    cases = []
    for claim, member, entry in rows:
        chosen = choose(able[member.branch_id], claim, entry.giver_id if entry else None)
        if first_review.held_back(session, claim, member, on=on):
            continue
        if actor.member.id in {one.id for one in chosen.people}:
            cases.append(Case(claim, member, entry, chosen.alone))
    return cases


def case(session: Session, actor: Actor, claim_id: int, *, on: date) -> Case:
    """The case that the actor is deciding; :class:`AlreadyDecided` when somebody was faster, :class:`NotYoursToDecide` otherwise."""
    found = next((one for one in waiting(session, actor, on=on) if one.claim.id == claim_id), None)
    if found is None:
        _require_waiting(session, claim_id)
        raise NotYoursToDecide
    return found


def _require_waiting(session: Session, claim_id: int) -> None:
    by = session.execute(
        select(Claim.state, Member.name)
        .outerjoin(Member, Member.id == Claim.decided_by)
        .where(Claim.id == claim_id, Claim.state != ClaimState.WAITING)
    ).one_or_none()
    if by is not None:
        raise AlreadyDecided(by=by.name or "本人", how=STATES[by.state])


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision did: ``reversal`` and ``entry`` are the new rows of the ledger, ``total`` the member's quarter after it."""

    reversal: PointEntry | None
    entry: PointEntry | None
    total: int


def default_points(session: Session, entry: PointEntry) -> tuple[int, int, int]:
    """For a contested entry: what it counts now, what its rule gives, and the most its rule gives."""
    row, counts = points.live(session, entry)
    rule = point_rule.of_entry(session, row)
    now_counts = row.points if counts else 0
    return now_counts, rule.points if rule else row.points, point_rule.most_of(rule) if rule else row.points


def grant_appeal(session: Session, actor: Actor, one: Case, right: int | None, *, now: datetime) -> Decided:
    """The contested entry is made to count ``right`` points, by default what its rule gives."""
    assert one.entry is not None
    counts, by_rule, most = default_points(session, one.entry)
    wanted = by_rule if right is None else right
    if wanted == counts:
        more = f"要改分数请写：同意 {counts + 1}分；不改" if counts < most else "不用改"
        raise NothingToChange(number=one.claim.entry_id, points=counts, most=most, next=more)
    _close(session, actor, one, ClaimState.GRANTED, f"应得 {wanted} 分", now)
    reason = point_reason.of_claim(one.claim)
    reversal, entry = points.correct(
        session, one.entry, wanted, reason=reason, giver_id=actor.member.id, now=now
    )
    return _decided(session, one, reversal, entry, now)


def grant(session: Session, actor: Actor, one: Case, rule: Rule, amount: int, *, now: datetime) -> Decided:
    """Points by a rule for a claim, or for an appeal about a missing entry; :class:`NotYoursToGive` by a rule that is for others to give by."""
    if one.claim.kind is ClaimKind.CLAIM:
        point_rule.require_giver(session, actor, rule, one.member.branch_id)
    _close(session, actor, one, ClaimState.GRANTED, f"{rule.name} +{amount} 分", now)
    given = points.give(
        session,
        actor.member.id,
        one.member,
        rule,
        amount,
        fact=f"claim {one.claim.id}",
        reason=point_reason.of_claim(one.claim),
        now=now,
    )
    entry = session.get(PointEntry, given.entry_id) if given.entry_id else None
    return _decided(session, one, None, entry, now)


def refuse(session: Session, actor: Actor, one: Case, why: str, *, now: datetime) -> None:
    """No, with a reason that the member sees."""
    _close(session, actor, one, ClaimState.REFUSED, why, now)
    text = f"您的{subject(one.claim)}没有同意。理由：{why}。审核人：{actor.member.name}。发 我的申报 查看。"
    _tell(session, one, text, now)


def _close(
    session: Session, actor: Actor, one: Case, state: ClaimState, decision: str, now: datetime
) -> None:
    """Only the first of two deciders closes it: the condition and the change are one statement."""
    remark = "（加分人本人审核：本支部没有其他人有权审核）" if one.alone else ""
    closed = session.scalar(
        update(Claim)
        .where(Claim.id == one.claim.id, Claim.state == ClaimState.WAITING)
        .values(state=state, decided_by=actor.member.id, decided_at=now, decision=decision + remark)
        .returning(Claim.id)
        .execution_options(synchronize_session=False)
    )
    if closed is None:
        _require_waiting(session, one.claim.id)
        raise NotYoursToDecide


def _decided(
    session: Session, one: Case, reversal: PointEntry | None, entry: PointEntry | None, now: datetime
) -> Decided:
    row = entry or reversal
    assert row is not None, "a granted claim or appeal always adds a row"
    done = Decided(reversal, entry, points.total(session, one.member.id, row.period))
    _tell(session, one, f"您的{subject(one.claim)}已同意：{change(done)}。发 积分明细 查看。", now)
    return done


def _tell(session: Session, one: Case, text: str, now: datetime) -> None:
    outbox.push(session, [one.member.id], text, key=f"claim {one.claim.id}", now=now, urgency=Urgency.ANSWER)


def change(done: Decided) -> str:
    """What a decision did to the ledger: 更正 -2 分（#130），重记 +3 分（#131），本季共 47 分."""
    parts = []
    if done.reversal is not None:
        parts.append(f"更正 {done.reversal.points:+d} 分（#{done.reversal.id}）")
    if done.entry is not None:
        word = "重记" if done.entry.fact.startswith("correction") else "记"
        parts.append(f"{word} {done.entry.points:+d} 分（#{done.entry.id}，{done.entry.dimension}）")
    return "，".join([*parts, f"该季共 {done.total} 分"])


def given_rules(session: Session, actor: Actor, one: Case, on: date) -> Sequence[Rule]:
    """The rules among which a decider chooses: those by which the actor may give; for a missing entry every rule."""
    if one.claim.kind is ClaimKind.APPEAL:
        return tuple(rule for rule in point_rule.in_branch(session, one.member.branch_id, on) if rule.active)
    return point_rule.given_by(session, actor, one.member.branch_id, on)
