"""Claims and appeals: a member asks for points or contests an entry, somebody else decides, and both see how it went."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import when
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.models.points import Claim, ClaimKind, ClaimState, PointEntry
from bot.services import first_review, outbox, point_rule, points, settlement
from bot.services.permission import Action, Actor, holders
from bot.services.setting import calendar
from bot.times import at_time
from content.points import Rule

APPEAL_WINDOW = timedelta(days=30)
WORKDAYS_TO_DECIDE = 5
LONGEST = 500
_FUTURE = re.compile(r"(?:明天|明日|后天|大后天|下周|下星期|下个?月|明年)")


class TooShort(Refusal):
    text = "请写清楚是什么事（2 到 500 个字）。例如：{example}"


class FutureDeed(Refusal):
    text = "“{said}”还没有到，事情做完后再{act}。"


class AlreadyClaimed(Refusal):
    text = "这件事您已经{kind}过了（第 {number} 件，等待审核），不用再发。发 我的申报 可以看进度。"


class NotYourEntry(Refusal):
    text = "没有找到您的第 {number} 条积分。发 积分明细 可以看到编号。"


class WindowClosed(Refusal):
    text = "第 {number} 条是 {on} 记的，申诉要在 30 天内提出，已经过了。有疑问请联系支部书记。"


class AlreadyDecided(Refusal):
    text = "这一件刚才已经由{by}处理：{how}。"


class NotYoursToDecide(Refusal):
    text = "这一件不能由您审核，或已不在审核中。发 审核 看其他的。"


class NothingToChange(Refusal):
    text = "第 {number} 条现在就是 {points} 分（规则最多 {most} 分）。{next}请回复 不同意 理由，或 跳过。"


def require_past(text: str, act: str, now: datetime) -> None:
    """Points are for what was done: a text that begins with a coming day, or names a later date of this year, is refused."""
    coming = _FUTURE.match(text)
    if coming:
        raise FutureDeed(said=coming[0], act=act)
    day = when.find(text, now).day if "月" in text or re.search(r"20\d\d", text) else None
    if day is None or day <= now.date():
        return
    # A day without a year is read as the next such day; for a deed it may as well be the last one.
    if day.year > now.year and str(day.year) not in text:
        return
    raise FutureDeed(said=f"{day.month}月{day.day}日", act=act)


def submit(session: Session, member: Member, text: str, *, now: datetime) -> Claim:
    """A claim for a deed that was done. The same text twice while the first waits is :class:`AlreadyClaimed`."""
    require_past(text, "申报", now)
    return _add(session, member, ClaimKind.CLAIM, None, text, "申报 师带徒 带出1名持证徒弟", now)


def appeal(session: Session, member: Member, number: int | None, text: str, *, now: datetime) -> Claim:
    """An appeal on an own entry within 30 days of it or while its period is in public notice, or, without a number, about one that is missing."""
    if number is not None:
        entry = session.get(PointEntry, number)
        if entry is None or entry.member_id != member.id:
            raise NotYourEntry(number=number)
        if now - entry.at > APPEAL_WINDOW and not settlement.contestable(session, entry, now):
            raise WindowClosed(number=number, on=f"{entry.at.astimezone(now.tzinfo):%Y-%m-%d}")
    return _add(session, member, ClaimKind.APPEAL, number, text, f"申诉 {number or 128} 那天我在场", now)


def _add(
    session: Session,
    member: Member,
    kind: ClaimKind,
    number: int | None,
    text: str,
    example: str,
    now: datetime,
) -> Claim:
    if not 2 <= len(text) <= LONGEST:
        raise TooShort(example=example)
    same = Claim.entry_id == number if number is not None else (Claim.text == text) & Claim.entry_id.is_(None)
    twin = session.scalar(
        select(Claim.id).where(
            Claim.member_id == member.id, Claim.kind == kind, Claim.state == ClaimState.WAITING, same
        )
    )
    if twin is not None:
        raise AlreadyClaimed(kind=kind.value, number=twin)
    claim = Claim(
        kind=kind,
        member_id=member.id,
        entry_id=number,
        text=text,
        state=ClaimState.WAITING,
        at=now,
        decide_by=decide_by(now),
        decision="",
    )
    session.add(claim)
    session.flush()
    _tell_first_decider(session, claim, member, now)
    return claim


def decide_by(now: datetime) -> datetime:
    """The end of the fifth working day after today."""
    return at_time(calendar().next_workday(now.date(), WORKDAYS_TO_DECIDE), time(18), now)


def _tell_first_decider(session: Session, claim: Claim, member: Member, now: datetime) -> None:
    """One routine word a day to the one who is first in line; the others see it when they write."""
    if first_review.held_back(session, claim, member, on=now.date()):
        first_review.tell_leader(session, member, now)
        return
    able = deciders(session, claim, member.branch_id, on=now.date()).people
    text = "有新的申报或申诉待审核，回复 审核 查看。"
    outbox.push(
        session, [one.id for one in able[:1]], text, key=f"review {member.branch_id} {now.date()}", now=now
    )


@dataclass(frozen=True, slots=True)
class Course:
    """How a claim or appeal stands: who may decide it, or who did."""

    claim: Claim
    people: tuple[str, ...]


def mine(session: Session, member: Member, *, on: date, most: int = 5) -> list[Course]:
    """The newest claims and appeals of a member."""
    claims = session.scalars(
        select(Claim).where(Claim.member_id == member.id).order_by(Claim.id.desc()).limit(most)
    ).all()
    return [Course(claim, _people(session, claim, member.branch_id, on)) for claim in claims]


def _people(session: Session, claim: Claim, branch_id: int, on: date) -> tuple[str, ...]:
    if claim.state is ClaimState.WAITING:
        return tuple(one.name for one in deciders(session, claim, branch_id, on=on).people)
    return tuple(session.scalars(select(Member.name).where(Member.id == claim.decided_by)))


# Deciding ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who may decide, nearest first. ``alone``: only the giver of the contested points has the right, so the giver decides after all."""

    people: tuple[Member, ...]
    alone: bool = False


def deciders(session: Session, claim: Claim, branch_id: int, *, on: date) -> Deciders:
    """Everybody with the right in the branch but the author; for an appeal not the giver either, unless nobody else is there."""
    giver = select(PointEntry.giver_id).where(PointEntry.id == claim.entry_id)
    return _deciders(
        holders(session, Action.REVIEW, branch_id, on=on),
        claim,
        session.scalar(giver) if claim.entry_id else None,
    )


def _deciders(able: Sequence[Member], claim: Claim, giver: int | None) -> Deciders:
    able = [one for one in able if one.id != claim.member_id]
    others = tuple(one for one in able if one.id != giver)
    return Deciders(others) if others else Deciders(tuple(able), alone=bool(able))


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
        chosen = _deciders(able[member.branch_id], claim, entry.giver_id if entry else None)
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


STATES = {
    ClaimState.WAITING: "等待审核",
    ClaimState.GRANTED: "已同意",
    ClaimState.REFUSED: "不同意",
    ClaimState.WITHDRAWN: "已撤回",
}


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
    reason = f"申诉{one.claim.id}同意：{one.claim.text}"[:120]
    reversal, entry = points.correct(
        session, one.entry, wanted, reason=reason, giver_id=actor.member.id, now=now
    )
    return _decided(session, one, reversal, entry, now)


def grant(session: Session, actor: Actor, one: Case, rule: Rule, amount: int, *, now: datetime) -> Decided:
    """Points by a rule for a claim, or for an appeal about a missing entry."""
    _close(session, actor, one, ClaimState.GRANTED, f"{rule.name} +{amount} 分", now)
    given = points.give(
        session,
        actor.member.id,
        one.member,
        rule,
        amount,
        fact=f"claim {one.claim.id}",
        reason=one.claim.text[:120],
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


def subject(claim: Claim) -> str:
    """申诉（第 128 条） or 申报“师带徒…”."""
    if claim.entry_id is not None:
        return f"{claim.kind.value}（第 {claim.entry_id} 条）"
    short = claim.text if len(claim.text) <= 16 else claim.text[:16] + "…"
    return f"{claim.kind.value}“{short}”"


def change(done: Decided) -> str:
    """What a decision did to the ledger: 更正 -2 分（#130），重记 +3 分（#131），本季共 47 分."""
    parts = []
    if done.reversal is not None:
        parts.append(f"更正 {done.reversal.points:+d} 分（#{done.reversal.id}）")
    if done.entry is not None:
        word = "重记" if done.entry.fact.startswith("correction") else "记"
        parts.append(f"{word} {done.entry.points:+d} 分（#{done.entry.id}，{done.entry.dimension}）")
    return "，".join([*parts, f"该季共 {done.total} 分"])


def given_rules(session: Session, one: Case, on: date) -> Sequence[Rule]:
    """The rules among which a decider chooses: those that people give by; for a missing entry every rule."""
    if one.claim.kind is ClaimKind.APPEAL:
        return tuple(rule for rule in point_rule.in_branch(session, one.member.branch_id, on) if rule.active)
    return point_rule.given_in(session, one.member.branch_id, on)
