"""Notices to a branch or some of it: who is reached, sending now or at a set time, finding again, taking back what was not sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from sqlalchemy import BindParameter, ColumnElement, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from bot.cards import Article, Button, Card
from bot.errors import Refusal
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import audit, outbox, recipients, setting
from bot.services.notice_line import Draft
from bot.services.permission import Action, Actor
from bot.services.recipients import DELIVERED

REPLY_WINDOW = timedelta(hours=48)
"""How long after a message of a person an Official Account may push to them."""
MOST_NAME = 20
SAME_WORDS = timedelta(hours=12)
"""As long as quiet hours may hold a notice back, so that two go out together."""
_URL = re.compile(r"https?://[^\s\u3000-\u303f\uff00-\uffef\"'<>]+")


class NoSuchNotice(Refusal):
    text = "没有找到您能查看的通知{number}。发 通知情况 可以看到最近的通知。"


class AllSent(Refusal):
    text = "通知 #{number} 已发给 {count} 人，来不及撤销了。可发 撤回通知 #{number} 或 更正通知 #{number}。"


@dataclass(frozen=True, slots=True)
class Reach:
    """How many are meant, and the names of those whom no push reaches: at all, or only when they next write."""

    count: int
    later: tuple[str, ...]
    unreachable: tuple[str, ...]

    @property
    def now(self) -> int:
        return self.count - len(self.later) - len(self.unreachable)


@dataclass(frozen=True, slots=True)
class Published:
    """A notice on its way; ``goes_out`` is the moment it is set for, or the end of the quiet hours it waits for; None: at once."""

    notice: Notice
    reach: Reach
    goes_out: datetime | None


# Sending ----------------------------------------------------------------------------------------------------------------


def reach(session: Session, members: Iterable[Member], *, now: datetime) -> Reach:
    """Whom a push reaches now, later, or not at all."""
    people = {member.id: member.name for member in members}
    found = session.execute(
        select(Identity.member_id, Identity.channel, Identity.heard_at).where(
            Identity.member_id.in_(people), Identity.reachable.is_(True)
        )
    ).all()
    known = {member for member, _, _ in found}
    waiting = known - {
        member for member, channel, heard in found if channel == "wecom" or _in_window(heard, now)
    }
    later = tuple(name for id_, name in people.items() if id_ in waiting)
    return Reach(len(people), later, tuple(name for id_, name in people.items() if id_ not in known))


def _in_window(heard_at: datetime | None, now: datetime) -> bool:
    return heard_at is not None and now - heard_at < REPLY_WINDOW


def goes_out(session: Session, branch_id: int, draft: Draft, *, now: datetime) -> datetime | None:
    """When a notice will go out: at its set time, after the quiet hours that reign then; None for at once."""
    at = draft.sends_at
    quiet = None if draft.urgent else setting.rules(session, branch_id).quiet_until(at or now)
    return quiet or at


def publish(session: Session, actor: Actor, draft: Draft, *, now: datetime, channel: str = "") -> Published:
    """Write the notice with a receipt row for everybody meant, and queue it. The author has read it.

    One that is set for later has its recipients from now on: they are those whom its author saw in the preview.
    """
    author = actor.member
    found = recipients.find(session, actor, draft.to, on=now.date())
    members = found.members
    out = goes_out(session, actor.branch_id, draft, now=now)
    notice = Notice(
        branch_id=found.node.id,
        author_id=author.id,
        activity_id=None,
        text=draft.text,
        needs_receipt=draft.receipt,
        urgent=bool(draft.urgent),
        created_at=now,
        sends_at=out if draft.at else None,
    )
    session.add(notice)
    session.flush()
    _address(session, notice, author, [member.id for member in members], now)
    _queue(session, notice, draft, author, [member.id for member in members], now)
    details = (f"#{notice.id} {draft.to} {len(members)}人", _told_of(draft))
    audit.record(
        session, actor=author, act="发通知", now=now, channel=channel, detail=" ".join(filter(None, details))
    )
    return Published(notice, reach(session, members, now=now), out)


def _address(session: Session, notice: Notice, author: Member, members: Sequence[int], now: datetime) -> None:
    rows = [
        {"notice_id": notice.id, "member_id": member, "confirmed_at": now if member == author.id else None}
        for member in members
    ]
    session.execute(insert(Receipt), rows)


def _queue(
    session: Session, notice: Notice, draft: Draft, author: Member, members: Sequence[int], now: datetime
) -> None:
    text, article = attached(draft.text)
    outbox.push(
        session,
        members,
        _pushed_text(draft, text, author, _mark(session, notice)),
        key=f"notice {notice.id}",
        now=now,
        at=notice.sends_at,
        urgency=Urgency.URGENT if draft.urgent else Urgency.ROUTINE,
        notice_id=notice.id,
        article=article,
        card=card(notice) if draft.receipt else None,
    )


def _told_of(draft: Draft) -> str:
    at = f"定时{draft.at}" if draft.at else ""
    return " ".join(filter(None, (at, f"加急：{draft.urgent}" if draft.urgent else "")))


def _mark(session: Session, notice: Notice) -> str:
    """The number of a notice whose author sent the same words lately: WeCom drops a text that it showed within half an hour, and says nothing."""
    at, out = func.coalesce(Notice.sends_at, Notice.created_at), notice.sends_at or notice.created_at
    same = select(Notice.id).where(
        Notice.author_id == notice.author_id,
        Notice.text == notice.text,
        Notice.id != notice.id,
        at.between(out - SAME_WORDS, out + SAME_WORDS),
    )
    return f" #{notice.id}" if session.scalar(same.limit(1)) else ""


def _pushed_text(draft: Draft, text: str, author: Member, mark: str) -> str:
    head = f"【加急通知{mark}】（{draft.urgent}）" if draft.urgent else f"【支部通知{mark}】"
    tail = "。请回复 收到。" if draft.receipt else ""
    return f"{head}{text}\n——{author.name}{tail}"


def card(notice: Notice) -> Card:
    """The card with the button 收到; the address that stands in the text is a line of its own to press."""
    title = "加急通知，请确认" if notice.urgent else "支部通知，请确认"
    text, article = attached(notice.text)
    link = article.url if article else ""
    return Card(f"notice-{notice.id}", title, text, (Button("收到", f"收到 #{notice.id}"),), url=link)


def attached(text: str) -> tuple[str, Article | None]:
    """The text with its one address replaced by a name, and the address as a link under that name.

    Several addresses stay in the text as they are: nobody could tell which name is which.
    """
    found = _URL.findall(text)
    if len(found) != 1:
        return text, None
    name = _name_of(found[0])
    return text.replace(found[0], name), Article(f"附件：{name}", text[:60], found[0])


def _name_of(url: str) -> str:
    """The file's name in an address, or the server's."""
    parts = urlsplit(url)
    last = unquote(parts.path.rsplit("/", 1)[-1])
    name = last if "." in last else parts.hostname or url
    return name if len(name) <= MOST_NAME else f"…{name[-MOST_NAME:]}"


# Looking after it ----------------------------------------------------------------------------------------------------


def recent(session: Session, actor: Actor, *, most: int = 4) -> list[Notice]:
    """The newest notices that the actor may see."""
    query = select(Notice).where(_seen_by(actor)).order_by(Notice.id.desc()).limit(most)
    return list(session.scalars(query))


def set_for_later(
    session: Session, actor: Actor, *, now: datetime, most: int = 8
) -> list[tuple[Notice, int]]:
    """The notices that are set for later where the actor may publish, the next one first, each with the number of its recipients."""
    branches = select(Organisation.id).where(actor.within(Action.PUBLISH))
    rows = session.execute(
        select(Notice, func.count())
        .join(Receipt, Receipt.notice_id == Notice.id)
        .where(Notice.sends_at > now, Notice.withdrawn_at.is_(None), Notice.branch_id.in_(branches))
        .group_by(Notice.id)
        .order_by(Notice.sends_at, Notice.id)
        .limit(most)
    )
    return [(notice, count) for notice, count in rows]


def on_its_way(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """A condition on :class:`Notice`: its time has come, and it was not taken back."""
    return or_(Notice.sends_at.is_(None), Notice.sends_at <= now) & Notice.withdrawn_at.is_(None)


def underway(
    session: Session, actor: Actor, number: int | None, *, now: datetime, receipts_only: bool = False
) -> Notice:
    """Notice ``number``, or the newest whose time has come and that was not taken back; :class:`NoSuchNotice`."""
    if number is not None:
        return find(session, actor, number)
    asks = [_seen_by(actor), on_its_way(now)] + ([Notice.needs_receipt.is_(True)] if receipts_only else [])
    newest = session.scalars(select(Notice).where(*asks).order_by(Notice.id.desc()).limit(1)).first()
    if newest is None:
        raise NoSuchNotice(number="")
    return newest


def short(notice: Notice, most: int = 18) -> str:
    """#5“明天停电检修，请提前…”: how a notice is named in a line."""
    line = notice.text.replace("\n", " ")
    return f"#{notice.id}“{line if len(line) <= most else line[:most] + '…'}”"


def find(session: Session, actor: Actor, number: int | None) -> Notice:
    """Notice ``number``, or the newest; :class:`NoSuchNotice` also for one outside the actor's scope."""
    if number is None:
        newest = recent(session, actor, most=1)
        if not newest:
            raise NoSuchNotice(number="")
        return newest[0]
    found = session.scalar(select(Notice).where(Notice.id == number, _seen_by(actor)))
    if found is None:
        raise NoSuchNotice(number=f" #{number}")
    return found


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """Notices of the branches where the actor sees all, or of the branch of the actor's group."""
    nodes = select(Organisation.id).where(actor.within(Action.SEE_GROUP))
    parents = select(Organisation.parent_id).where(
        actor.within(Action.SEE_GROUP), Organisation.kind == OrganisationKind.GROUP
    )
    return Notice.branch_id.in_(nodes) | Notice.branch_id.in_(parents)


def withdraw(
    session: Session, author: Member, number: int, *, now: datetime, channel: str = ""
) -> tuple[int, int]:
    """Take back what was not yet sent of an own notice; returns how many will not get it and how many already have.

    :class:`AllSent` when there is nothing left to take back.
    """
    notice = session.get(Notice, number)
    if notice is None or notice.author_id != author.id:
        raise NoSuchNotice(number=f" #{number}")
    gone, sent = stop(session, notice, now=now)
    if not gone:
        raise AllSent(number=number, count=sent)
    detail = f"#{number} 撤回{gone}人，已发{sent}人"
    audit.record(session, actor=author, act="撤销通知", now=now, channel=channel, detail=detail)
    return gone, sent


def stop(session: Session, notice: Notice, *, now: datetime) -> tuple[int, int]:
    """Queue nothing more of a notice; returns how many will not get it and how many have it. One that nobody has is gone altogether."""
    gone = outbox.withdraw(session, notice.id, now=now)
    left = session.execute(select(Outbox.member_id, Outbox.state).where(Outbox.notice_id == notice.id)).all()
    had = {member for member, _ in left}
    never = [member for member in gone if member not in had]
    session.execute(delete(Receipt).where(Receipt.notice_id == notice.id, Receipt.member_id.in_(never)))
    if not left:
        session.delete(notice)
    sent = {member for member, state in left if state in (*DELIVERED, OutboxState.WAITING)}
    return len(never), len(sent)
