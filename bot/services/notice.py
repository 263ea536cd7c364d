"""Notices to a branch or some of it: what is written, who is meant, sending, finding again, taking back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from bot.cards import Button, Card
from bot.errors import Refusal
from bot.models.identity import Identity
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus, Role
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import audience as audiences
from bot.services import audit, outbox, setting
from bot.services.permission import RIGHTS, Action, Actor

EVERYBODY = "全体"
MOST_CHARACTERS = 500
"""Three bytes each and some words of ours: WeCom cuts a text after 2048 bytes."""
REPLY_WINDOW = timedelta(hours=48)
"""How long after a message of a person an Official Account may push to them."""
DELIVERED = (OutboxState.SENT, OutboxState.MERGED, OutboxState.SHOWN)


class NothingWritten(Refusal):
    text = "通知里没有内容。例如：通知 全体 明天停电检修，请提前保存资料 需回执"


class TooLong(Refusal):
    text = "通知最多 500 字，现在 {length} 字。请写短些，或分两条发。"


class UnknownNames(Refusal):
    text = "本支部没有找到：{names}。请核对姓名，例如：通知 张伟、古丽 下午到会议室"


class NobodyMeant(Refusal):
    text = "“{to}”里现在没有人。对象可以写：全体、党小组名、班组名、正式党员，或姓名、姓名。"


class UrgentNeedsReason(Refusal):
    text = "加急会在免打扰时间发出，要写原因。例如：通知 全体 立即撤离一号库房 加急 现场有险情"


class NoSuchNotice(Refusal):
    text = "没有找到您能查看的通知{number}。发 通知情况 可以看到最近的通知。"


class AllSent(Refusal):
    text = "通知 #{number} 已发给 {count} 人，撤不回来了。可以再发一条更正，例如：通知 全体 更正：……"


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice before it is sent; ``urgent`` is the reason, or empty."""

    to: str
    text: str
    receipt: bool = False
    urgent: str = ""


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
    """A notice on its way; ``waits_until`` is the end of the quiet hours it waits for."""

    notice: Notice
    reach: Reach
    waits_until: datetime | None


# Writing ----------------------------------------------------------------------------------------------------------------

_FLAG = re.compile(r"(?:^|[\s,，。;；])(?:需要?回执|要回执)(?=$|[\s,，。;；])")
_URGENT = re.compile(r"(?:^|[\s,，。;；])(?:加急|紧急)(?:[\s:：,，]+(?P<reason>.*))?$", re.S)
_HEAD = re.compile(r"(?:发给|给)?(?P<to>[^\s:：]+)[\s:：]+(?P<text>.+)", re.S)
_ALL = {EVERYBODY, "全部", "所有人", "大家", "全支部", "全体人员"}
_PARTY = {"全体党员", "党员", "所有党员"}
_COMMITTEE = {"支委", "支委会", "委员", "班子", "支部委员"}


def write(session: Session, branch_id: int, said: str) -> Draft:
    """What "全体 明天停电 需回执 加急 原因" means. Without a known audience in front it is for everybody."""
    text, flags = _FLAG.subn(" ", said)
    urgent = _URGENT.search(text)
    reason = (urgent["reason"] or "").strip() if urgent else ""
    if urgent and not reason:
        raise UrgentNeedsReason
    to, text = _audience_in_front(session, branch_id, (text[: urgent.start()] if urgent else text).strip())
    return checked(Draft(to, text, bool(flags), reason))


def checked(draft: Draft) -> Draft:
    """The draft, if its text can be sent; :class:`NothingWritten` or :class:`TooLong`."""
    if not draft.text:
        raise NothingWritten
    if len(draft.text) > MOST_CHARACTERS:
        raise TooLong(length=len(draft.text))
    return draft


def _audience_in_front(session: Session, branch_id: int, said: str) -> tuple[str, str]:
    found = _HEAD.fullmatch(said)
    if found and _meant(session, branch_id, found["to"]) is not None:
        return found["to"], found["text"].strip()
    return EVERYBODY, "" if _meant(session, branch_id, said) is not None else said


def audience(session: Session, branch_id: int, to: str) -> list[Member]:
    """The active members meant by 全体, 党员, a status, 支委, a group, a crew, or names; :class:`NobodyMeant` or :class:`UnknownNames`."""
    members = _meant(session, branch_id, to)
    if not members:
        raise NobodyMeant(to=to)
    return members


def _meant(session: Session, branch_id: int, to: str) -> list[Member] | None:
    """The members meant, an empty list when there are none, None when it is no audience at all."""
    here = select(Member).where(Member.branch_id == branch_id, Member.active).order_by(Member.id)
    condition = _condition(session, branch_id, to)
    if condition is not None:
        return list(session.scalars(here.where(condition)))
    return _named(list(session.scalars(here)), to)


def _condition(session: Session, branch_id: int, to: str) -> ColumnElement[bool] | None:
    if to in _ALL:
        return Member.active.is_(True)
    if to in _PARTY:
        return Member.status.in_(PARTY_MEMBERS)
    if to in {status.value for status in MemberStatus}:
        return Member.status == MemberStatus(to)
    if to in _COMMITTEE:
        names = [role for role in RIGHTS if Action.PUBLISH in RIGHTS[role]]
        return Member.id.in_(
            select(Role.member_id).where(Role.organisation_id == branch_id, Role.name.in_(names))
        )
    if to.endswith("组"):
        return _group(session, branch_id, to)
    crew = select(Member.id).where(Member.branch_id == branch_id, Member.crew == to)
    return Member.crew == to if session.scalar(crew.limit(1)) is not None else None


def _group(session: Session, branch_id: int, to: str) -> ColumnElement[bool] | None:
    try:
        name = audiences.named(session, branch_id, to)
    except audiences.UnknownAudience:
        return None
    here = (Organisation.parent_id == branch_id, Organisation.name == name)
    return Member.group_id.in_(select(Organisation.id).where(*here))


def _named(members: Sequence[Member], to: str) -> list[Member] | None:
    said = [name for name in re.split(r"[、,，和]", to) if name]
    known = [member for member in members if member.name in said]
    missing = [name for name in said if name not in {member.name for member in known}]
    if not known:
        return None
    if missing:
        raise UnknownNames(names="、".join(missing))
    return known


def reach(session: Session, members: Iterable[Member], *, now: datetime) -> Reach:
    """Whom a push reaches now, later, or not at all."""
    people = {member.id: member.name for member in members}
    found = session.scalars(
        select(Identity).where(Identity.member_id.in_(people), Identity.reachable.is_(True))
    ).all()
    known = {identity.member_id for identity in found}
    at_once = {i.member_id for i in found if i.channel == "wecom" or _in_window(i, now)}
    later = tuple(name for id_, name in people.items() if id_ in known - at_once)
    return Reach(len(people), later, tuple(name for id_, name in people.items() if id_ not in known))


def _in_window(identity: Identity, now: datetime) -> bool:
    return identity.heard_at is not None and now - identity.heard_at < REPLY_WINDOW


def waits_until(session: Session, branch_id: int, draft: Draft, *, now: datetime) -> datetime | None:
    """The end of the quiet hours that a notice must wait for now; None when it goes at once."""
    return None if draft.urgent else setting.rules(session, branch_id).quiet_until(now)


def publish(session: Session, author: Member, draft: Draft, *, now: datetime, channel: str = "") -> Published:
    """Write the notice with a receipt row for everybody meant, and queue it. The author has read it."""
    members = audience(session, author.branch_id, draft.to)
    notice = Notice(
        branch_id=author.branch_id,
        author_id=author.id,
        activity_id=None,
        text=draft.text,
        needs_receipt=draft.receipt,
        urgent=bool(draft.urgent),
        created_at=now,
    )
    session.add(notice)
    session.flush()
    session.execute(
        insert(Receipt),
        [
            {"notice_id": notice.id, "member_id": m.id, "confirmed_at": now if m.id == author.id else None}
            for m in members
        ],
    )
    outbox.push(
        session,
        [member.id for member in members],
        _pushed_text(notice, draft, author),
        key=f"notice {notice.id}",
        now=now,
        urgency=Urgency.URGENT if draft.urgent else Urgency.ROUTINE,
        notice_id=notice.id,
        card=card(notice) if draft.receipt else None,
    )
    detail = (
        f"#{notice.id} {draft.to} {len(members)}人 {f'加急：{draft.urgent}' if draft.urgent else ''}".strip()
    )
    audit.record(session, actor=author, act="发通知", now=now, channel=channel, detail=detail)
    until = waits_until(session, author.branch_id, draft, now=now)
    return Published(notice, reach(session, members, now=now), until)


def _pushed_text(notice: Notice, draft: Draft, author: Member) -> str:
    head = f"【加急通知】（{draft.urgent}）" if draft.urgent else "【支部通知】"
    tail = "请回复 收到。" if notice.needs_receipt else ""
    return f"{head}{notice.text}\n——{author.name}{'。' + tail if tail else ''}"


def card(notice: Notice) -> Card:
    title = "加急通知，请确认" if notice.urgent else "支部通知，请确认"
    return Card(f"notice-{notice.id}", title, notice.text, (Button("收到", f"收到 #{notice.id}"),))


# Looking after it ----------------------------------------------------------------------------------------------------


def recent(session: Session, actor: Actor, *, most: int = 4, receipts_only: bool = False) -> list[Notice]:
    """The newest notices that the actor may see."""
    query = select(Notice).where(_seen_by(actor)).order_by(Notice.id.desc()).limit(most)
    return list(session.scalars(query.where(Notice.needs_receipt.is_(True)) if receipts_only else query))


def find(session: Session, actor: Actor, number: int | None, *, receipts_only: bool = False) -> Notice:
    """Notice ``number``, or the newest; :class:`NoSuchNotice` also for one outside the actor's scope."""
    if number is None:
        newest = recent(session, actor, most=1, receipts_only=receipts_only)
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
    gone = outbox.withdraw(session, number, now=now)
    left = session.scalars(select(Outbox.state).where(Outbox.notice_id == number)).all()
    sent = sum(state in (*DELIVERED, OutboxState.WAITING) for state in left)
    if not gone:
        raise AllSent(number=number, count=sent)
    session.execute(delete(Receipt).where(Receipt.notice_id == number, Receipt.member_id.in_(gone)))
    if not left:
        session.delete(notice)
    audit.record(
        session,
        actor=author,
        act="撤销通知",
        now=now,
        channel=channel,
        detail=f"#{number} 撤回{len(gone)}人，已发{sent}人",
    )
    return len(gone), sent
