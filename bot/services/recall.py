"""Calling a notice back: what was not sent is not sent, what was sent is taken off the phones where the platform can do that.

WeCom takes a message back for 24 hours, from its own client and not from the WeChat plug-in; an Official Account never does. The platform is
asked by the delivery worker; this module says what to ask, and writes what became of it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.notice import Notice
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import audit, outbox
from bot.services import notice as notices
from bot.services.permission import Action, Actor
from bot.services.recipients import DELIVERED
from bot.times import moment

LASTS = {"wecom": timedelta(hours=24)}
"""For how long each channel takes a message back."""
LEASE = timedelta(seconds=60)
MOST_TRIES = 5
SHOWN = 10
_BULK = {"synchronize_session": False}


class OfAnActivity(Refusal):
    text = "通知 #{number} 是活动通知，不能单独撤回。活动不办了请发 取消活动；改时间、地点请发 修改活动。"


class CalledBackBefore(Refusal):
    text = "通知 #{number} 已在 {when} 撤回过。发 通知情况 #{number} 看结果。"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What calling back does: how many will not get it at all, from how many it is taken back, and who keeps it."""

    unsent: int
    recalled: int
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One call: what was sent under one id to many."""

    notice_id: int
    channel: str
    platform_id: str
    rows: tuple[int, ...]
    attempt: int


def wanted(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Notice:
    """The notice to call back, by number or the newest, if the actor may publish in its branch.

    :class:`~bot.services.notice.NoSuchNotice`, :class:`OfAnActivity` or :class:`CalledBackBefore`.
    """
    notice = notices.find(session, actor, number)
    actor.on_branch(session, Action.PUBLISH, notice.branch_id)
    if notice.activity_id is not None:
        raise OfAnActivity(number=notice.id)
    if notice.withdrawn_at is not None:
        raise CalledBackBefore(number=notice.id, when=moment(notice.withdrawn_at, now))
    return notice


def outlook(session: Session, notice: Notice, *, now: datetime) -> Outlook:
    """What :func:`begin` would do at this moment."""
    of_notice = Outbox.notice_id == notice.id
    back = _people(session, of_notice, *_recallable(now))
    kept = _people(session, of_notice, _arrived(now)) - back
    unsent = _people(session, of_notice, *outbox.unsent(now)) - back - kept
    return Outlook(len(unsent), len(back), _names(session, kept))


def begin(session: Session, actor: Actor, notice: Notice, *, now: datetime, channel: str = "") -> Outlook:
    """Stop what was not sent, and order the rest back."""
    seen = outlook(session, notice, now=now)
    number = notice.id
    notice.withdrawn_at = now
    back = update(Outbox).where(Outbox.notice_id == number, *_recallable(now))
    session.execute(
        back.values(state=OutboxState.RECALLING, available_at=now, attempts=0, code=0),
        execution_options=_BULK,
    )
    session.flush()
    notices.stop(session, notice, now=now)
    detail = f"#{number} 未发{seen.unsent}人，收回{seen.recalled}人，收不回{len(seen.kept)}人"
    audit.record(session, actor=actor.member, act="撤回通知", now=now, channel=channel, detail=detail)
    return seen


def _recallable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Sent under an id of its own (a digest has other messages in it) through a channel that still takes it back."""
    in_time = [
        and_(Outbox.channel == channel, Outbox.sent_at > now - lasts) for channel, lasts in LASTS.items()
    ]
    return Outbox.state == OutboxState.SENT, Outbox.platform_id != "", or_(False, *in_time)


def _arrived(now: datetime) -> ColumnElement[bool]:
    """Sent, or in a sender's hands at this moment."""
    return Outbox.state.in_(DELIVERED) | outbox.in_hand(now)


def _people(session: Session, *which: ColumnElement[bool]) -> set[int]:
    return set(session.scalars(select(Outbox.member_id).where(*which)))


def _names(session: Session, members: set[int]) -> tuple[str, ...]:
    return tuple(session.scalars(select(Member.name).where(Member.id.in_(members)).order_by(Member.id)))


# The worker's side --------------------------------------------------------------------------------------------------------


def is_due(session: Session, now: datetime) -> bool:
    """Whether something is to be taken back: a cheap look before a writing transaction."""
    return session.scalar(select(Outbox.id).where(*_due(now)).limit(1)) is not None


def claim(session: Session, now: datetime) -> list[Order]:
    """The calls to make now, leased for a minute."""
    rows = session.scalars(select(Outbox).where(*_due(now)).with_for_update(skip_locked=True))
    together: dict[tuple[int, str, str], list[Outbox]] = defaultdict(list)
    # Asked for this order, SQLite would read the whole outbox by its key.
    for row in sorted(rows, key=lambda row: row.id):
        row.available_at, row.attempts = now + LEASE, row.attempts + 1
        together[row.notice_id or 0, row.channel, row.platform_id].append(row)
    return [Order(*key, tuple(row.id for row in part), part[0].attempts) for key, part in together.items()]


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Outbox.state == OutboxState.RECALLING, Outbox.available_at <= now


def record_recalled(session: Session, order: Order, now: datetime) -> None:
    """Write that the platform took it back."""
    _end(session, order, now, state=OutboxState.RECALLED)


def record_failed(session: Session, order: Order, now: datetime, *, code: int, permanent: bool) -> None:
    """Write that it did not: what may pass is tried again after 1, 2, 4 … minutes, five times in all."""
    passing = code in {0, -1, *outbox.RATE_LIMITS} and not permanent
    if passing and order.attempt < MOST_TRIES:
        later = now + outbox.FIRST_PAUSE * 2 ** (order.attempt - 1)
        _set(session, order, available_at=later)
        return
    _end(session, order, now, state=OutboxState.SENT, code=code or outbox.NETWORK)


def _end(session: Session, order: Order, now: datetime, **values: object) -> None:
    _set(session, order, **values)
    open_ = (Outbox.notice_id == order.notice_id, Outbox.state == OutboxState.RECALLING)
    notice = session.get(Notice, order.notice_id)
    if notice is not None and session.scalar(select(Outbox.id).where(*open_).limit(1)) is None:
        _tell(session, notice, now)


def _set(session: Session, order: Order, **values: object) -> None:
    mine = (Outbox.id.in_(order.rows), Outbox.state == OutboxState.RECALLING)
    session.execute(update(Outbox).where(*mine).values(values), execution_options=_BULK)


def _tell(session: Session, notice: Notice, now: datetime) -> None:
    """Tell the author how it ended, once."""
    of_notice = Outbox.notice_id == notice.id
    kept = _people(session, of_notice, Outbox.state.in_(DELIVERED))
    gone = _people(session, of_notice, Outbox.state == OutboxState.RECALLED) - kept
    text = f"通知 #{notice.id} 撤回完成：已从 {len(gone)} 人的企业微信收回（在微信里看的收不回）。"
    if kept:
        names = _names(session, kept)
        more = f" 等{len(names)}人" if len(names) > SHOWN else ""
        text += f"\n收不回 {len(names)} 人：{'、'.join(names[:SHOWN])}{more}。可发 更正通知 #{notice.id} 新的内容。"
    key = f"notice {notice.id} recalled"
    outbox.push(session, [notice.author_id], text, key=key, now=now, urgency=Urgency.ANSWER)


def progress(session: Session, notice: Notice) -> tuple[int, int]:
    """How many people it was taken back from, and from how many it is still to be."""
    counts = (
        select(Outbox.state, func.count(Outbox.member_id.distinct()))
        .where(Outbox.notice_id == notice.id)
        .group_by(Outbox.state)
    )
    states = {row[0]: row[1] for row in session.execute(counts)}
    return states.get(OutboxState.RECALLED, 0), states.get(OutboxState.RECALLING, 0)
