"""Claims and appeals: a member asks for points or contests an entry, and sees how it goes. Deciding is :mod:`bot.services.verdict`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import when
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.points import Claim, ClaimKind, ClaimState, PointEntry
from bot.services import first_review, outbox, settlement
from bot.services.permission import Action, holders
from bot.services.setting import calendar
from bot.times import at_time

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


# Who decides ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who may decide, nearest first. ``alone``: only the giver of the contested points has the right, so the giver decides after all."""

    people: tuple[Member, ...]
    alone: bool = False


def deciders(session: Session, claim: Claim, branch_id: int, *, on: date) -> Deciders:
    """Everybody with the right in the branch but the author; for an appeal not the giver either, unless nobody else is there."""
    giver = select(PointEntry.giver_id).where(PointEntry.id == claim.entry_id)
    return choose(
        holders(session, Action.REVIEW, branch_id, on=on),
        claim,
        session.scalar(giver) if claim.entry_id else None,
    )


def choose(able: Sequence[Member], claim: Claim, giver: int | None) -> Deciders:
    """Of those with the right, who may decide about this claim."""
    able = [one for one in able if one.id != claim.member_id]
    others = tuple(one for one in able if one.id != giver)
    return Deciders(others) if others else Deciders(tuple(able), alone=bool(able))


def subject(claim: Claim) -> str:
    """申诉（第 128 条） or 申报“师带徒…”."""
    if claim.entry_id is not None:
        return f"{claim.kind.value}（第 {claim.entry_id} 条）"
    short = claim.text if len(claim.text) <= 16 else claim.text[:16] + "…"
    return f"{claim.kind.value}“{short}”"


STATES = {
    ClaimState.WAITING: "等待审核",
    ClaimState.GRANTED: "已同意",
    ClaimState.REFUSED: "不同意",
    ClaimState.WITHDRAWN: "已撤回",
}
