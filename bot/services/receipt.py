"""Receipts of notices: confirming, who is missing, what became of each push, and nudging the missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox, OutboxState
from bot.services import notice as notices
from bot.services import outbox, setting
from bot.services.notice import DELIVERED
from bot.services.permission import Action, Actor
from bot.times import moment

ASKED_FOR = timedelta(days=30)
"""How long a notice waits for its 收到."""
NUDGE_LASTS = timedelta(days=1)


class NothingToConfirm(Refusal):
    text = "没有找到要您确认的通知{number}。"


class EverybodyConfirmed(Refusal):
    text = "通知 #{number} 已经全部确认，不用再催。"


class NudgedTooSoon(Refusal):
    text = "{apart} 小时内只催一次，上次是{last}。{next} 以后可以再催。"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a notice. ``missed`` are names with the reason in plain words."""

    count: int
    delivered: int
    waiting: int
    confirmed: int
    missed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A confirmed notice and when it was confirmed first; ``again`` when that was not now."""

    notice: Notice
    at: datetime
    again: bool


def to_confirm(session: Session, member: Member, *, now: datetime) -> list[Notice]:
    """The notices that wait for a member's 收到, newest first."""
    mine = (Receipt.member_id == member.id, Receipt.confirmed_at.is_(None))
    asked = (Notice.needs_receipt.is_(True), Notice.created_at > now - ASKED_FOR)
    query = select(Notice).join(Receipt, Receipt.notice_id == Notice.id).where(*mine, *asked)
    return list(session.scalars(query.order_by(Notice.id.desc())))


def confirm(session: Session, member: Member, number: int, *, now: datetime) -> Confirmed:
    """Confirm a notice; the second time changes nothing. :class:`NothingToConfirm` for one that was not sent to the member."""
    receipt = session.get(Receipt, (number, member.id), with_for_update=True)
    notice = session.get(Notice, number)
    if receipt is None or notice is None:
        raise NothingToConfirm(number=f" #{number}")
    before, receipt.confirmed_at = receipt.confirmed_at, receipt.confirmed_at or now
    return Confirmed(notice, before or now, again=before is not None)


def latest_without_receipt(session: Session, member: Member, *, now: datetime) -> Notice | None:
    """A notice of the last day that asked for no receipt: what a member may mean who says 收到 all the same."""
    mine = (Receipt.member_id == member.id, Notice.needs_receipt.is_(False))
    query = select(Notice).join(Receipt, Receipt.notice_id == Notice.id).where(*mine)
    lately = query.where(Notice.created_at > now - timedelta(days=1))
    return session.scalars(lately.order_by(Notice.id.desc()).limit(1)).first()


def unconfirmed(session: Session, actor: Actor, notice: Notice) -> list[tuple[str, Member]]:
    """Who has not confirmed, of those the actor may see, with the name of the group."""
    node = func.coalesce(Member.group_id, Member.branch_id)
    rows = session.execute(
        select(Organisation.name, Member)
        .join(Organisation, Organisation.id == node)
        .join(Receipt, Receipt.member_id == Member.id)
        .where(Receipt.notice_id == notice.id, Receipt.confirmed_at.is_(None), Member.active)
        .where(actor.within(Action.SEE_GROUP))
        .order_by(node, Member.id)
    ).all()
    return [(name if member.group_id else "未分小组", member) for name, member in rows]


def confirmed_of(session: Session, notice: Notice) -> tuple[int, int]:
    """How many have confirmed, of how many."""
    counts = select(func.count(Receipt.confirmed_at), func.count()).where(Receipt.notice_id == notice.id)
    confirmed, count = session.execute(counts).one()
    return confirmed, count


def report(session: Session, notice: Notice) -> Report:
    """What became of a notice, counted from what really happened to each push."""
    rows = session.execute(
        select(Member, Receipt.confirmed_at, Outbox.state, Outbox.code)
        .join(Receipt, Receipt.member_id == Member.id)
        .outerjoin(Outbox, (Outbox.notice_id == Receipt.notice_id) & (Outbox.member_id == Member.id))
        .where(Receipt.notice_id == notice.id)
        .order_by(Member.id)
    ).all()
    missed = [
        (member.name, _why(member, state, code))
        for member, confirmed, state, code in rows
        if state not in (*DELIVERED, OutboxState.WAITING, None) and not confirmed
    ]
    return Report(
        len(rows),
        sum(state in DELIVERED for _, _, state, _ in rows),
        sum(state is OutboxState.WAITING for _, _, state, _ in rows),
        sum(confirmed is not None for _, confirmed, _, _ in rows),
        tuple(missed),
    )


def _why(member: Member, state: OutboxState, code: int) -> str:
    """Why a push did not arrive, for a secretary who may pick up the telephone."""
    if not member.active:
        return "已不在支部"
    if state is OutboxState.HELD:
        return "暂时推送不到，本人下次发消息时会看到"
    if state is OutboxState.EXPIRED:
        return "过了有效时间没有发"
    if state is OutboxState.UNREACHABLE:
        return _UNREACHABLE.get(code, f"平台说没有此人（{code}）")
    return "网络不通，试了多次没有成功" if code == outbox.NETWORK else f"平台拒绝（{code}），请联系管理员"


_UNREACHABLE = {
    0: "没有可用的账号，请提醒绑定",
    43004: "没有关注公众号",
    60111: "不在企业微信应用的可见范围",
    81013: "不在企业微信应用的可见范围",
}


def nudge(session: Session, actor: Actor, number: int | None, *, now: datetime) -> tuple[Notice, list[str]]:
    """Remind those who have not confirmed, and only them; returns their names.

    :class:`EverybodyConfirmed`, or :class:`NudgedTooSoon` when the branch's setting says that it is too early for another one.
    """
    notice = notices.find(session, actor, number, receipts_only=True)
    missing = [member for _, member in unconfirmed(session, actor, notice)]
    if not missing:
        raise EverybodyConfirmed(number=notice.id)
    _take_turn(session, notice, now)
    text = f"提醒：通知 #{notice.id} 还没有收到您的确认。\n{notice.text}\n请回复 收到。"
    outbox.push(
        session,
        [member.id for member in missing],
        text,
        key=f"notice {notice.id} nudge {now.isoformat()}",
        now=now,
        expires_at=now + NUDGE_LASTS,
        card=notices.card(notice),
    )
    return notice, [member.name for member in missing]


def _take_turn(session: Session, notice: Notice, now: datetime) -> None:
    """Let one of two nudges at once through."""
    apart = setting.rules(session, notice.branch_id).nudge_hours
    early = now - timedelta(hours=apart)
    free = or_(Notice.nudged_at.is_(None), Notice.nudged_at <= early)
    turn = update(Notice).where(Notice.id == notice.id, free).values(nudged_at=now).returning(Notice.id)
    last = notice.nudged_at
    if session.scalar(turn) is None:
        session.refresh(notice)
        last = notice.nudged_at or last or now
        again = moment(last + timedelta(hours=apart), now)
        raise NudgedTooSoon(apart=apart, last=moment(last, now), next=again)
