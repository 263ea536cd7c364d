"""What is to be pushed, and what became of it: rows written in the same transaction as the fact, sent later by the delivery worker.

:mod:`bot.services.delivery` decides when a row goes out; this module writes rows and their outcomes.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from bot.cards import Article, Card
from bot.db import begins_with, upsert
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services.concern import NOW

MOST_ATTEMPTS = 8
"""Of a row that the platform refuses, or whose sender dies each time; what is no fault of the row does not use them up."""
FIRST_PAUSE = timedelta(minutes=1)
PAUSES_GROW = 6
"""So many failures make the pause longer: 1, 2, 4, 8, 16, 32 minutes."""
CHANNEL_REST = timedelta(minutes=10)
RATE_LIMITS = frozenset({45009, 45011, 45033})
CONFIGURATION = frozenset({40001, 40013, 40014, 40056, 40125, 40164, 42001, 48001, 50001, 60011, 60020})
"""Wrong id, agent or secret, a fresh token refused, an API not granted, an address not trusted: an operator must act, then all goes out."""
CHANNEL_RESTS = RATE_LIMITS | CONFIGURATION
"""What the platform says to a whole channel, whatever the message: nothing of it is the row's fault."""
WINDOW_CLOSED = frozenset({45015, 45047})
NOT_REACHED = frozenset({40003, 43004, 60111, 81013})
NETWORK = -1
"""What :attr:`Outbox.code` says when there was no answer, or that the platform was busy; 0 means that nothing has failed."""
PASSING = frozenset({0, NETWORK})
"""The platform cannot be reached or is busy, which says nothing of the row: it is tried again for as long as that lasts."""
MOST_SHOWN, MOST_LINES = 5, 12
_BULK = {"synchronize_session": False}


def body_of(text: str, *, article: Article | None = None, card: Card | None = None) -> dict[str, Any]:
    """What a channel's ``send`` gets: the text twin always, a link or a card where there is one."""
    body: dict[str, Any] = {"text": text}
    if article is not None:
        body["article"] = asdict(article)
    if card is not None:
        body["card"] = asdict(card)
    return body


def push(
    session: Session,
    members: Iterable[int],
    text: str,
    *,
    key: str,
    now: datetime,
    urgency: Urgency = Urgency.ROUTINE,
    notice_id: int | None = None,
    at: datetime | None = None,
    expires_at: datetime | None = None,
    article: Article | None = None,
    card: Card | None = None,
) -> int:
    """Queue one text for members, from ``at`` on (default: now), never after ``expires_at``. Returns how many rows are new.

    ``key`` says what and when ("reminder 12 day-before"); with the member it is unique, so that a repeated job queues nothing twice.
    Rows of two notices never go out in one call, so that each can be taken back alone.
    """
    body = body_of(text, article=article, card=card)
    row = _row(body, now, urgency=urgency, notice_id=notice_id, at=at, expires_at=expires_at)
    return _queue(session, [{**row, "key": f"{key} {member}", "member_id": member} for member in members])


def push_each(
    session: Session,
    texts: Mapping[int, str],
    *,
    key: str,
    now: datetime,
    urgency: Urgency = Urgency.ROUTINE,
) -> int:
    """Queue for each member a text of their own, in one statement however many they are; all else as :func:`push`."""
    rows = [
        {**_row(body_of(text), now, urgency=urgency), "key": f"{key} {member}", "member_id": member}
        for member, text in texts.items()
    ]
    return _queue(session, rows)


def _row(
    body: dict[str, Any],
    now: datetime,
    *,
    urgency: Urgency,
    notice_id: int | None = None,
    at: datetime | None = None,
    expires_at: datetime | None = None,
) -> dict[str, Any]:
    """What a row has that does not depend on the member; rows with the same digest may go out in one call."""
    equal = json.dumps([body, notice_id], sort_keys=True, ensure_ascii=False)
    return {
        "notice_id": notice_id,
        "urgency": urgency,
        "body": body,
        "digest": hashlib.sha256(equal.encode()).hexdigest()[:32],
        "state": OutboxState.WAITING,
        "available_at": at or now,
        "expires_at": expires_at,
        "created_at": now,
    }


def _queue(session: Session, rows: list[dict[str, Any]]) -> int:
    """Write rows whose key is new; how many."""
    if not rows:
        return 0
    new = session.execute(
        upsert(session, Outbox).on_conflict_do_nothing(index_elements=["key"]).returning(Outbox.id), rows
    )
    return len(new.all())


def withdraw(session: Session, notice_id: int, *, now: datetime) -> list[int]:
    """Delete what was not yet sent of a notice; returns the members who will not get it.

    A row in a sender's hands at this moment stays: it may have been sent already. One that failed before and waits for its next try goes.
    """
    gone = delete(Outbox).where(Outbox.notice_id == notice_id, *unsent(now)).returning(Outbox.member_id)
    return list(session.scalars(gone, execution_options=_BULK))


def forget(session: Session, key: str, *, now: datetime) -> list[int]:
    """Delete what was not yet sent under a key, or under one that goes on after it ("exam 3" also means "exam 3 eve"); whom it was for."""
    gone = delete(Outbox).where(_under(key), *unsent(now)).returning(Outbox.member_id)
    return list(session.scalars(gone, execution_options=_BULK))


def members_of(session: Session, key: str) -> list[int]:
    """Whom the pushes under a key are for, sent or not."""
    return list(session.scalars(select(Outbox.member_id).where(_under(key))))


def _under(key: str) -> ColumnElement[bool]:
    return begins_with(Outbox.key, f"{key} ")


def unsent(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """A row that can still be kept from being sent."""
    return Outbox.state.in_((OutboxState.WAITING, OutboxState.HELD)), ~in_hand(now)


def in_hand(now: datetime) -> ColumnElement[bool]:
    """A row that some sender has leased and may be sending at this moment."""
    leased = and_(Outbox.attempts > 0, Outbox.code == 0, Outbox.available_at > now)
    return and_(Outbox.state == OutboxState.WAITING, leased)


def held_count(session: Session, member_id: int, now: datetime) -> int:
    """How many messages could not be pushed to a member and wait to be shown."""
    return session.scalar(_HELD_COUNT, {"member": member_id, "now": now}) or 0


def show_held(session: Session, member_id: int, *, now: datetime) -> list[Outbox]:
    """The oldest messages that wait to be shown, as many as fit into one answer (at least one), marked as SHOWN."""
    waiting = select(Outbox).where(*_HELD).order_by(Outbox.id).limit(MOST_SHOWN).with_for_update()
    shown: list[Outbox] = []
    lines = 0
    for row in session.scalars(waiting, {"member": member_id, "now": now}):
        lines += told(row).count("\n") + 1
        if shown and lines > MOST_LINES - 2:
            break
        row.state = OutboxState.SHOWN
        shown.append(row)
    return shown


def told(row: Outbox) -> str:
    """A message as one text, with the address of its link."""
    article = row.body.get("article")
    return f"{row.body['text']}\n{article['url']}" if article else str(row.body["text"])


_HELD = (
    Outbox.member_id == bindparam("member"),
    Outbox.state == OutboxState.HELD,
    or_(Outbox.expires_at.is_(None), Outbox.expires_at > bindparam("now")),
)
IS_HELD = exists().where(
    Outbox.member_id == Member.id,
    Outbox.state == OutboxState.HELD,
    or_(Outbox.expires_at.is_(None), Outbox.expires_at > NOW),
)
"""Whether messages wait to be shown to a member."""
# Built once: it is asked under many answers, and putting it together costs more than running it.
_HELD_COUNT = select(func.count()).where(*_HELD)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one person gets in one call: one row, or the rows of a digest."""

    user: str
    identity_id: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One call: the same ``body`` for all ``parcels`` through one channel."""

    channel: str
    body: Mapping[str, Any]
    parcels: tuple[Parcel, ...]
    attempt: int = 1
    digest: bool = False

    @property
    def users(self) -> list[str]:
        return [parcel.user for parcel in self.parcels]

    @property
    def rows(self) -> list[int]:
        return [row for parcel in self.parcels for row in parcel.rows]


def record_sent(
    session: Session,
    group: Group,
    now: datetime,
    *,
    platform_id: str = "",
    unreached: Mapping[str, int] | None = None,
) -> int:
    """Write what the platform answered to one call; returns how many people it reached.

    ``unreached`` names users and the platform's code for each. A row that was withdrawn while it was sent is written as sent all the same.
    """
    missed = unreached or {}
    reached = [parcel for parcel in group.parcels if parcel.user not in missed]
    for parcel in group.parcels:
        if parcel.user in missed:
            code = missed[parcel.user]
            state = OutboxState.HELD if code in WINDOW_CLOSED else OutboxState.UNREACHABLE
            _set(session, parcel.rows, state=state, code=code, channel=group.channel)
    state = OutboxState.MERGED if group.digest else OutboxState.SENT
    rows = [row for parcel in reached for row in parcel.rows]
    outcome = {
        "state": state,
        "sent_at": now,
        "platform_id": platform_id,
        "channel": group.channel,
        "code": 0,
    }
    session.execute(update(Outbox).where(Outbox.id.in_(rows)).values(outcome), execution_options=_BULK)
    counted = update(Identity).where(
        Identity.id.in_([parcel.identity_id for parcel in reached]), Identity.heard_at.is_not(None)
    )
    session.execute(counted.values(pushed_since=Identity.pushed_since + 1), execution_options=_BULK)
    return len(reached)


def record_failed(
    session: Session,
    group: Group,
    now: datetime,
    *,
    code: int,
    permanent: bool = False,
    retry_after: timedelta | None = None,
) -> datetime | None:
    """Write that nobody was reached. ``code`` is the platform's, 0 for the network.

    Returns the moment until which the whole channel must rest, when the platform said that there were too many calls or that the
    application is not set up rightly (:data:`CHANNEL_RESTS`); the attempt is not counted then. Otherwise a failure that may pass is tried
    again after 1, 2, 4 … 32 minutes (± 50 %): eight times in all, but until it is over when the platform was not there (:data:`PASSING`), so
    that an evening without network loses nothing. What is of no use any more then has its ``expires_at``.
    """
    if code in CHANNEL_RESTS:
        until = now + (retry_after or CHANNEL_REST)
        release(session, [group], until, code=code)
        _set(session, group.rows, channel=group.channel)
        return until
    used_up = group.attempt >= MOST_ATTEMPTS and code not in PASSING
    if code in WINDOW_CLOSED | NOT_REACHED or permanent or used_up:
        _set(session, group.rows, state=_end(code), code=code or NETWORK, channel=group.channel)
        return None
    pause = FIRST_PAUSE * 2 ** (min(group.attempt, PAUSES_GROW) - 1)
    again = {
        "available_at": now + max(retry_after or timedelta(), pause) * _jitter(),
        "channel": group.channel,
    }
    if code in PASSING:
        again["attempts"] = case((Outbox.attempts > PAUSES_GROW, PAUSES_GROW), else_=Outbox.attempts)
    _set(session, group.rows, code=code or NETWORK, **again)
    return None


def release(session: Session, groups: Iterable[Group], at: datetime, *, code: int = 0) -> None:
    """Give back what was claimed and not tried, to be looked at again at a moment; the attempt is not counted."""
    rows = [row for group in groups for row in group.rows]
    _set(session, rows, available_at=at, attempts=Outbox.attempts - 1, code=code)


def resting(session: Session, now: datetime) -> dict[str, datetime]:
    """Until when each channel rests that the platform wants no calls through: the rows that were turned away know it."""
    turned_away = (
        Outbox.state == OutboxState.WAITING,
        Outbox.available_at > now,
        Outbox.code.in_(CHANNEL_RESTS),
    )
    until = select(Outbox.channel, func.max(Outbox.available_at)).where(*turned_away).group_by(Outbox.channel)
    return {channel: moment for channel, moment in session.execute(until) if channel}


def _end(code: int) -> OutboxState:
    if code in WINDOW_CLOSED:
        return OutboxState.HELD
    return OutboxState.UNREACHABLE if code in NOT_REACHED else OutboxState.FAILED


def _jitter() -> float:
    return secrets.SystemRandom().uniform(0.5, 1.5)


def _set(session: Session, rows: Sequence[int], **values: Any) -> None:
    """Write the outcome of rows that are still waiting: one that was withdrawn meanwhile keeps its own end."""
    if rows:
        waiting = (Outbox.id.in_(rows), Outbox.state == OutboxState.WAITING)
        session.execute(update(Outbox).where(*waiting).values(values), execution_options=_BULK)
