"""One message → one transaction → one reply. A repeated delivery gets the first answer; a refusal is its sentence; the unexpected is one apology."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from time import perf_counter
from typing import Any

from sqlalchemy import RowMapping, Table, bindparam, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from bot.batch import Batch
from bot.cards import Article
from bot.chat import Answer, Context, Kind, Message, Reply
from bot.config import Settings
from bot.db import Database, savepoint
from bot.errors import Refusal
from bot.metrics import APOLOGIES, LATENCY
from bot.models.identity import Conversation, Identity, Inbox
from bot.models.member import Member
from bot.routing import Routes, route
from bot.services import identity as identities
from bot.talk import COLUMNS, Talk
from bot.waiting import Watch

log = logging.getLogger("zhibu.dispatch")

APOLOGY = Reply("抱歉，系统刚才出错了，您的消息没有处理。请过几分钟再发一次；仍不行请联系支部书记。")
SHOWN_ONCE = "这条回复只显示一次，系统没有保存。没有看到的，请再发一次刚才的话。"
REFUSED = (Refusal, OverflowError, DataError)
"""What a message may be refused by: no database and no calendar goes as far as what somebody may type (收到 9223372036854775808)."""
OUT_OF_RANGE = "22003"
"""PostgreSQL's code for a number that its column cannot hold; SQLite's driver raises OverflowError."""
TOO_LARGE = Reply("您写的数字太大了，没有处理。请核对后再发。回复 菜单 看看能做什么。")
IMPATIENT = "SET LOCAL lock_timeout = '200ms'"
"""Many messages must not wait behind one that is locked; after that each waits for itself."""

# Built once: putting a statement together costs more than running it.
CONVERSATION: Table = Conversation.__table__  # type: ignore[assignment]
WHO_SPEAKS = (
    select(Identity, Member, *(CONVERSATION.c[name] for name in COLUMNS))
    .join(CONVERSATION, CONVERSATION.c.identity_id == Identity.id)
    .outerjoin(Member, Member.id == Identity.member_id)
    .where(
        Identity.channel.in_(bindparam("channels", expanding=True)),
        Identity.external_id.in_(bindparam("senders", expanding=True)),
    )
    .order_by(CONVERSATION.c.identity_id)  # so that two batches lock in the same order
    .with_for_update(of=CONVERSATION, key_share=True)
)
GO_ON = (
    update(CONVERSATION)
    .where(CONVERSATION.c.identity_id == bindparam("who"))
    .values({name: bindparam(f"new_{name}") for name in COLUMNS})
)
REMEMBER = insert(Inbox.__table__)  # type: ignore[arg-type]  # the table itself: no ORM work for a row nobody loads


People = dict[tuple[str, str], tuple[Identity, RowMapping]]
"""By channel and sender: who it is, and the row of the conversation."""


class Dispatcher:
    """Answers messages. Call it with a :class:`Message`; it never raises."""

    def __init__(
        self, database: Database, routes: Routes, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self.database, self.routes, self.settings, self.clock = database, routes, settings, clock
        self._batch = Batch(self._together, self._alone)

    def __call__(self, message: Message) -> Reply | None:
        """The reply to say; None when there is nothing to say (an event that needs no answer)."""
        start = perf_counter()
        reply = self._batch(message)
        seconds = perf_counter() - start
        LATENCY.observe(seconds)
        known = (message.id, message.channel, message.kind, seconds * 1000)
        log.info("answered message=%s channel=%s kind=%s ms=%.1f", *known)
        return reply

    def _together(self, messages: Sequence[Message]) -> list[Reply | None]:
        """The replies, in order. Messages of different senders share a transaction: the second of one must read what the first wrote."""
        replies: dict[int, Reply | None] = {}
        for places in _of_different_senders(messages):
            replies |= zip(places, self._share([messages[place] for place in places]), strict=True)
        return [replies[place] for place in range(len(messages))]

    def _share(self, messages: Sequence[Message]) -> list[Reply | None]:
        """All in one transaction, as a rule without savepoints; when anything but a refusal goes wrong in it, nothing of it happened and each has its own."""
        if len(messages) > 1:
            with contextlib.suppress(Exception):
                try:
                    return self._in_one(messages, self._routed)
                except REFUSED:
                    return self._in_one(messages, self._routed_or_refused)
        return [self._alone(message) for message in messages]

    def _in_one(self, messages: Sequence[Message], answer: Callable[[Context], Reply]) -> list[Reply | None]:
        with self.database.write() as session:
            if not self.database.sqlite:
                session.connection().exec_driver_sql(IMPATIENT)
            return self._in(session, messages, answer)

    def _alone(self, message: Message) -> Reply | None:
        try:
            return self._answer_once_more_on_a_twin(message)
        except Exception:
            log.exception("failed message=%s channel=%s kind=%s", message.id, message.channel, message.kind)
            APOLOGIES.inc()
            return APOLOGY

    def _answer_once_more_on_a_twin(self, message: Message) -> Reply | None:
        try:
            return self._answer(message)
        except IntegrityError:
            # Another delivery, or another node, wrote the same fact first; now it is visible.
            stored = self._stored(message)
            return stored if stored is not None else self._answer(message)

    def _answer(self, message: Message) -> Reply | None:
        try:
            with self.database.write() as session:
                return self._in(session, [message], self._routed)[0]
        except REFUSED as error:
            sentence = _sentence(error)
            with self.database.write() as session:
                return self._in(session, [message], lambda ctx: sentence)[0]

    def _in(
        self, session: Session, messages: Sequence[Message], answer: Callable[[Context], Reply]
    ) -> list[Reply | None]:
        """Answer messages of different senders within a transaction, and remember the answers."""
        now = self.clock()
        people = self._enter(session, messages)
        members = [identity.member_id for identity, _ in people.values() if identity.member_id]
        watch = Watch(self.routes.lookout, members)
        done = [self._one(session, message, people, answer, watch, now) for message in messages]
        connection = session.connection()
        if talks := [
            {"who": identity.id, **{f"new_{name}": getattr(talk.row, name) for name in COLUMNS}}
            for identity, talk, _ in done
            if talk.changed
        ]:
            connection.execute(GO_ON, talks)
        # Last, so that a second delivery collides here and all it did is rolled back.
        remembered = [
            {
                "channel": message.channel,
                "message_id": message.id,
                "identity_id": identity.id,
                "kind": message.kind,
                "answered_at": now,
                "reply": to_json(reply),
            }
            for message, (identity, _, reply) in zip(messages, done, strict=True)
        ]
        connection.execute(REMEMBER, remembered)
        return [reply if reply.text else None for _, _, reply in done]

    def _one(
        self,
        session: Session,
        message: Message,
        people: People,
        answer: Callable[[Context], Reply],
        watch: Watch,
        now: datetime,
    ) -> tuple[Identity, Talk, Reply]:
        identity, row = people[message.channel, message.sender]
        session.add(identity)
        identities.heard(identity, message.at, left=message.kind is Kind.UNSUBSCRIBE)
        talk = Talk(row, now)
        ctx = Context(session, message, identity, now, self.settings, self.routes.router, talk)
        reply = watch.over(ctx, answer(ctx))
        session.flush()
        session.expunge_all()  # the next message must read what this one wrote by statement
        return identity, ctx.talk, reply

    def _routed_or_refused(self, ctx: Context) -> Reply:
        """As :meth:`_routed`; a refusal undoes this message only."""
        try:
            with savepoint(ctx.session):
                return self._routed(ctx)
        except REFUSED as error:
            ctx.talk = Talk(ctx.talk.before, ctx.now)
            return _sentence(error)

    def _routed(self, ctx: Context) -> Reply:
        answer, by_step = route(self.routes, ctx)
        reply = as_reply(answer)
        ctx.talk.answered(reply, by_step=by_step)
        return reply

    def _enter(self, session: Session, messages: Sequence[Message]) -> People:
        """Who the senders are, and where their conversations stand, locked against their other messages."""
        who = {"channels": {m.channel for m in messages}, "senders": {m.sender for m in messages}}
        people = _found(session, who)
        strangers = [m for m in messages if (m.channel, m.sender) not in people]
        if strangers:
            for message in strangers:
                identities.open_identity(session, message.channel, message.sender)
            people = _found(session, who)
        session.expunge_all()
        return people

    def _stored(self, message: Message) -> Reply | None:
        with self.database.read() as session:
            reply = session.scalar(
                select(Inbox.reply).where(Inbox.channel == message.channel, Inbox.message_id == message.id)
            )
        return from_json(reply) if reply and reply["text"] else None


def _of_different_senders(messages: Sequence[Message]) -> list[list[int]]:
    """The places of the messages, in groups in which nobody comes twice; what one person sent stays in order."""
    groups: list[list[int]] = []
    sent: Counter[tuple[str, str]] = Counter()
    for place, message in enumerate(messages):
        before = sent[message.channel, message.sender]
        sent[message.channel, message.sender] += 1
        if before == len(groups):
            groups.append([])
        groups[before].append(place)
    return groups


def _found(session: Session, who: dict[str, set[str]]) -> People:
    people: People = {}
    for row in session.execute(WHO_SPEAKS, who):
        identity: Identity = row[0]
        set_committed_value(identity, "member", row[1])
        people[identity.channel, identity.external_id] = (identity, row._mapping)
    return people


def _sentence(error: Refusal | OverflowError | DataError) -> Reply:
    """What is said instead of doing it."""
    if isinstance(error, Refusal):
        return Reply(str(error))
    if isinstance(error, DataError) and getattr(error.orig, "sqlstate", "") != OUT_OF_RANGE:
        raise error
    return TOO_LARGE


def as_reply(answer: Answer) -> Reply:
    """Plain text is a reply with nothing else."""
    return Reply(answer) if isinstance(answer, str) else answer


def to_json(reply: Reply) -> dict[str, Any]:
    """What a repeated delivery needs of a reply."""
    stored: dict[str, Any] = {"text": SHOWN_ONCE if reply.once else reply.text}
    if reply.button:
        stored["button"] = reply.button
    if reply.article is not None:
        stored["article"] = asdict(reply.article)
    return stored


def from_json(stored: dict[str, Any]) -> Reply:
    """The reply that :func:`to_json` kept."""
    article = Article(**stored["article"]) if "article" in stored else None
    return Reply(stored["text"], button=stored.get("button", ""), article=article)
