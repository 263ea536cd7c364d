"""What a branch gives its members to study itself: an own text, or a link to 学习强国, 国资e学 or an article; listed, read, removed, found by 提问."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.study import MaterialRead, OwnMaterial
from bot.services import audit, points
from bot.services.library.words import words
from bot.services.permission import Action, Actor
from bot.services.points import Award

MOST = 200
"""So many materials a branch keeps at once: all of them are looked through for every question that is asked."""
LONGEST_TITLE, LONGEST_LINK, LONGEST_TEXT = 30, 500, 3000
DEFAULT_MINUTES, MOST_MINUTES = 5, 60
FRESH = timedelta(days=14)
"""So long a new material is named under 今日学习 to those who have not read it."""
EXAMPLE = "添加资料 迎峰度夏倡议书 https://www.12371.cn 5分钟"
_LINK = re.compile(r"https?://[^\s，。；、《》“”]+", re.IGNORECASE)
_MINUTES = re.compile(r"(?<!\S)(\d{1,3})\s*分钟(?!\S)")


class TitleMissing(Refusal):
    text = f"还差标题（{LONGEST_TITLE} 字以内）。例如：{EXAMPLE}"


class NothingToRead(Refusal):
    text = f"还差链接或正文。链接例如：{EXAMPLE}\n正文请另起一行，第一行写标题。"


class TooLong(Refusal):
    text = f"没有添加：标题不超过 {LONGEST_TITLE} 字，链接不超过 {LONGEST_LINK} 字，正文不超过 {LONGEST_TEXT} 字。"


class TooManyMinutes(Refusal):
    text = f"没有添加：学习时间请写 1–{MOST_MINUTES} 分钟。例如：{EXAMPLE}"


class TooMany(Refusal):
    text = f"没有添加：本支部已有 {MOST} 份资料。请先去掉不用的，例如：删除资料 3"


class Doubled(Refusal):
    text = "没有添加：已有同名资料 {number}《{title}》。要换掉它请先发：删除资料 {number}"


class NoSuchMaterial(Refusal):
    text = "没有找到 {number} 号资料。回复 学习资料 看有哪些。"


@dataclass(frozen=True, slots=True)
class Written:
    """A material as somebody wrote it."""

    title: str
    link: str
    text: str
    minutes: int


def read(said: str) -> Written:
    """Title, link and minutes in the first line, in any order after the title, and a text in the lines below; refusals say what is missing."""
    first, _, body = said.strip().partition("\n")
    link = _LINK.search(said)
    minutes = _MINUTES.search(first)
    title = " ".join(_MINUTES.sub(" ", _LINK.sub(" ", first)).split()).strip("《》 ，。：:")
    found = Written(
        title, link[0] if link else "", body.strip(), int(minutes[1]) if minutes else DEFAULT_MINUTES
    )
    if not found.title:
        raise TitleMissing
    if not found.link and not found.text:
        raise NothingToRead
    lengths = ((found.title, LONGEST_TITLE), (found.link, LONGEST_LINK), (found.text, LONGEST_TEXT))
    if any(len(one) > most for one, most in lengths):
        raise TooLong
    if not 1 <= found.minutes <= MOST_MINUTES:
        raise TooManyMinutes
    return found


def add(session: Session, actor: Actor, written: Written, *, now: datetime, channel: str = "") -> OwnMaterial:
    """Give the actor's branch a material; :class:`Doubled` when it has one of that title, :class:`TooMany` above the limit."""
    branch = actor.on_branch(session, Action.PUBLISH, actor.branch_id)
    there = of_branch(session, branch.id)
    same = next((one for one in there if one.title == written.title), None)
    if same is not None:
        raise Doubled(number=same.id, title=same.title)
    if len(there) >= MOST:
        raise TooMany
    row = OwnMaterial(
        branch_id=branch.id,
        title=written.title,
        link=written.link,
        text=written.text,
        minutes=written.minutes,
        words=_cut(written.title, written.text),
        author_id=actor.member.id,
        at=now,
    )
    session.add(row)
    session.flush()
    _note(session, actor, "添加资料", row, now, channel)
    return row


def _cut(title: str, text: str) -> list[list[str]]:
    """The words of the title, and those of all."""
    return [sorted(words(title)), sorted(words(f"{title} {text}"))]


def cut_anew(session: Session) -> None:
    """Cut every material's words again, when words are cut differently than before."""
    for row in session.scalars(select(OwnMaterial).where(OwnMaterial.removed_at.is_(None))):
        row.words = _cut(row.title, row.text)


def remove(session: Session, actor: Actor, number: int, *, now: datetime, channel: str = "") -> OwnMaterial:
    """Take a material of the branch off the list; what was read counts on. :class:`NoSuchMaterial`."""
    branch = actor.on_branch(session, Action.PUBLISH, actor.branch_id)
    row = numbered(session, branch.id, number)
    row.removed_at = now
    _note(session, actor, "删除资料", row, now, channel)
    return row


def bring_back(
    session: Session, actor: Actor, number: int, *, now: datetime, channel: str = ""
) -> OwnMaterial | None:
    """Undo :func:`remove`; None when it is not there or not of the branch."""
    branch = actor.on_branch(session, Action.PUBLISH, actor.branch_id)
    row = session.get(OwnMaterial, number)
    if row is None or row.branch_id != branch.id:
        return None
    row.removed_at = None
    _note(session, actor, "恢复资料", row, now, channel)
    return row


def of_branch(session: Session, branch_id: int) -> Sequence[OwnMaterial]:
    """The materials of a branch, the newest first."""
    ours = (OwnMaterial.branch_id == branch_id, OwnMaterial.removed_at.is_(None))
    return session.scalars(select(OwnMaterial).where(*ours).order_by(OwnMaterial.id.desc())).all()


def numbered(session: Session, branch_id: int, number: int) -> OwnMaterial:
    """One material of a branch; :class:`NoSuchMaterial` also for that of another branch."""
    row = session.get(OwnMaterial, number)
    if row is None or row.branch_id != branch_id or row.removed_at is not None:
        raise NoSuchMaterial(number=number)
    return row


def unread(session: Session, member: Member, *, now: datetime) -> Sequence[OwnMaterial]:
    """What came to the member's branch lately and was not read by him, the newest first."""
    readers = select(MaterialRead.material).where(MaterialRead.member_id == member.id)
    read_codes = set(session.scalars(readers.where(MaterialRead.material.startswith("own/"))))
    ours = of_branch(session, member.branch_id)
    return [one for one in ours if one.at >= now - FRESH and code_of(one) not in read_codes]


def code_of(row: OwnMaterial) -> str:
    """How a material is named among all that is read and found: own/3."""
    return f"own/{row.id}"


def finish(session: Session, member: Member, row: OwnMaterial, *, now: datetime) -> tuple[bool, Award | None]:
    """Record that a material was read, once a year; whether it is new, and the points of the rule "study" if any."""
    values = {
        "member_id": member.id,
        "material": code_of(row),
        "year": now.year,
        "minutes": row.minutes,
        "at": now,
    }
    new = session.scalar(
        upsert(session, MaterialRead)
        .values(values)
        .on_conflict_do_nothing(index_elements=["member_id", "year", "material"])
        .returning(MaterialRead.id)
    )
    if new is None:
        return False, None
    fact = f"study {member.id} {code_of(row)} {now.year}"
    award = points.award(session, member.id, "study", fact=fact, reason=f"学完《{row.title}》", now=now)
    return True, award if award.points else None


def readers(session: Session, row: OwnMaterial) -> int:
    """How many of the branch have read a material of its own."""
    count = select(func.count(func.distinct(MaterialRead.member_id))).join(Member)
    ours = (Member.branch_id == row.branch_id, MaterialRead.material == code_of(row))
    return session.scalar(count.where(*ours)) or 0


def _note(session: Session, actor: Actor, act: str, row: OwnMaterial, now: datetime, channel: str) -> None:
    audit.record(
        session,
        actor=actor.member,
        act=act,
        now=now,
        channel=channel,
        branch_id=row.branch_id,
        detail=f"{row.id} 《{row.title}》",
    )
