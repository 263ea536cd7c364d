"""Receipts of notices: confirming, who is missing, what became of each push, and nudging the missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox, OutboxState
from bot.services import audit, freeze, outbox, phone, setting
from bot.services import notice as notices
from bot.services.concern import NOW
from bot.services.permission import Action, Actor
from bot.services.recipients import DELIVERED
from bot.times import moment

ASKED_FOR = timedelta(days=30)
"""How long a notice waits for its 收到."""
NUDGE_LASTS = timedelta(days=1)


class NothingToConfirm(Refusal):
    text = "没有找到要您确认的通知{number}。"


class EverybodyConfirmed(Refusal):
    text = "通知 #{number} 已经全部确认，不用再催。"


class NotOnItsWay(Refusal):
    text = "通知 #{number} {state}。发 通知情况 #{number} 看详情。"


class NobodyToCall(Refusal):
    text = "通知 #{number} 都送到了{confirmed}，没有要打电话的人。"


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
class Call:
    """Somebody whom no push reached, or who has not confirmed: why, and the number to call, None where none is stored."""

    name: str
    why: str
    number: str | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A confirmed notice and when it was confirmed first; ``again`` when that was not now."""

    notice: Notice
    at: datetime
    again: bool


# Built once: it is asked under most answers, and putting it together costs more than running it.
_TO_CONFIRM = (
    select(Notice)
    .join(Receipt, Receipt.notice_id == Notice.id)
    .where(
        Receipt.member_id == bindparam("member"),
        Receipt.confirmed_at.is_(None),
        Notice.needs_receipt.is_(True),
        func.coalesce(Notice.sends_at, Notice.created_at) > bindparam("since"),
        notices.on_its_way(bindparam("now")),
    )
    .order_by(Notice.id.desc())
)


IS_TO_CONFIRM = (
    exists()
    .where(Receipt.member_id == Member.id, Receipt.confirmed_at.is_(None), Notice.id == Receipt.notice_id)
    .where(Notice.needs_receipt.is_(True), notices.on_its_way(NOW))
)
"""Whether notices may wait for a member's 收到."""


def to_confirm(session: Session, member: Member, *, now: datetime) -> list[Notice]:
    """The notices that wait for a member's 收到, newest first."""
    return list(session.scalars(_TO_CONFIRM, {"member": member.id, "since": now - ASKED_FOR, "now": now}))


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
    lately = query.where(Notice.created_at > now - timedelta(days=1), notices.on_its_way(now))
    return session.scalars(lately.order_by(Notice.id.desc()).limit(1)).first()


def unconfirmed(session: Session, actor: Actor, notice: Notice) -> list[tuple[str, Member]]:
    """Who has not confirmed, of those the actor may see, with the name of the group; of the branch where several were addressed."""
    wide = session.get_one(Organisation, notice.branch_id).kind is not OrganisationKind.BRANCH
    node = Member.branch_id if wide else func.coalesce(Member.group_id, Member.branch_id)
    rows = session.execute(
        select(Organisation.name, Member)
        .join(Organisation, Organisation.id == node)
        .join(Receipt, Receipt.member_id == Member.id)
        .where(Receipt.notice_id == notice.id, Receipt.confirmed_at.is_(None), Member.active)
        .where(actor.within(Action.SEE_GROUP))
        .order_by(node, Member.id)
    ).all()
    return [(name if wide or member.group_id else "未分小组", member) for name, member in rows]


def confirmed_of(session: Session, notice: Notice) -> tuple[int, int]:
    """How many have confirmed, of how many."""
    counts = select(func.count(Receipt.confirmed_at), func.count()).where(Receipt.notice_id == notice.id)
    confirmed, count = session.execute(counts).one()
    return confirmed, count


def report(session: Session, notice: Notice) -> Report:
    """What became of a notice, counted from what really happened to each push."""
    people = _outcomes(session, notice)
    missed = [one for one in people if _is_missed(one)]
    return Report(
        len(people),
        sum(one.state in DELIVERED for one in people),
        sum(one.state is OutboxState.WAITING for one in people),
        sum(one.confirmed for one in people),
        tuple((one.member.name, _why(one)) for one in missed),
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a notice for one person: of the notice itself and its nudges, the one that arrived counts."""

    member: Member
    confirmed: bool
    state: OutboxState | None
    code: int


def _outcomes(session: Session, notice: Notice) -> list[_Outcome]:
    rows = session.execute(
        select(Member, Receipt.confirmed_at, Outbox.state, Outbox.code)
        .join(Receipt, Receipt.member_id == Member.id)
        .outerjoin(Outbox, (Outbox.notice_id == Receipt.notice_id) & (Outbox.member_id == Member.id))
        .where(Receipt.notice_id == notice.id)
        .order_by(Member.id, Outbox.id)
    )
    best: dict[int, _Outcome] = {}
    for member, confirmed, state, code in rows:
        if member.id not in best or state in DELIVERED:
            best[member.id] = _Outcome(member, confirmed is not None, state, code or 0)
    return list(best.values())


_NOT_MISSED = (*DELIVERED, OutboxState.WAITING, OutboxState.RECALLING, OutboxState.RECALLED, None)


def _is_missed(one: _Outcome) -> bool:
    return one.state not in _NOT_MISSED and not one.confirmed


def calls(
    session: Session, actor: Actor, notice: Notice, *, secret: str, now: datetime, channel: str = ""
) -> list[Call]:
    """Whom to call about a notice: those whom no push reached; when all were reached, those who have not confirmed. Kept in the audit log.

    Only for those who manage the people of the branch. :class:`NobodyToCall`.
    """
    actor.on_branch(session, Action.MANAGE_PEOPLE, notice.branch_id)
    _require_on_its_way(notice, now)
    people = [one for one in _outcomes(session, notice) if one.member.active]
    found = [(one.member, _why(one)) for one in people if _is_missed(one)]
    if not found and notice.needs_receipt:
        found = [(one.member, "没有确认") for one in people if not one.confirmed]
    if not found:
        raise NobodyToCall(number=notice.id, confirmed="、也都确认了" if notice.needs_receipt else "")
    audit.record(
        session,
        actor=actor.member,
        act="查看电话",
        now=now,
        channel=channel,
        detail=f"通知 #{notice.id} {len(found)}人",
    )
    return [Call(who.name, why, phone.unseal(who.phone, secret) if who.phone else None) for who, why in found]


def _why(one: _Outcome) -> str:
    """Why a push did not arrive, for a secretary who may pick up the telephone."""
    state, code = one.state, one.code
    if not one.member.active:
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
    notice = notices.underway(session, actor, number, now=now, receipts_only=True)
    _require_on_its_way(notice, now)
    if not notice.urgent:
        freeze.require_none(session, notice.branch_id, now=now)
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
        notice_id=notice.id,
        expires_at=now + NUDGE_LASTS,
        card=notices.card(notice),
    )
    return notice, [member.name for member in missing]


def _require_on_its_way(notice: Notice, now: datetime) -> None:
    if notice.withdrawn_at is not None:
        raise NotOnItsWay(number=notice.id, state="已经撤回")
    if notice.sends_at is not None and notice.sends_at > now:
        raise NotOnItsWay(number=notice.id, state=f"定在 {moment(notice.sends_at, now)} 发，还没有发出")


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
