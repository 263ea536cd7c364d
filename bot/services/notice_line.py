"""What a line means that a secretary writes: 全体 明天停电检修 需回执 明天8点发 加急 现场有险情."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot import when
from bot.errors import Refusal
from bot.services import recipients
from bot.services.permission import Actor
from bot.times import at_time, moment

MOST_CHARACTERS = 500
"""Three bytes each and some words of ours: WeCom cuts a text after 2048 bytes."""
AHEAD = timedelta(days=90)


class NothingWritten(Refusal):
    text = "通知里没有内容。例如：通知 全体 明天停电检修，请提前保存资料 需回执"


class TooLong(Refusal):
    text = "通知最多 500 字，现在 {length} 字。请写短些，或分两条发。"


class UrgentNeedsReason(Refusal):
    text = "加急会在免打扰时间发出，要写原因。例如：通知 全体 立即撤离一号库房 加急 现场有险情"


class SendsTooEarly(Refusal):
    text = "定时的时间 {when} 已经过去了，请写以后的时间。例如：通知 全体 明天开会 明天8点发"


class SendsTooLate(Refusal):
    text = "最多提前 90 天定时，{when} 太远了。例如：通知 全体 明天开会 明天8点发"


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice before it is sent; ``urgent`` is the reason, or empty; ``at`` the moment to send it at (ISO), or empty for at once."""

    to: str
    text: str
    receipt: bool = False
    urgent: str = ""
    at: str = ""

    @property
    def sends_at(self) -> datetime | None:
        """The moment for which it is set."""
        return datetime.fromisoformat(self.at) if self.at else None


_FLAG = re.compile(r"(?:^|[\s,，。;；])(?:需要?回执|要回执)(?=$|[\s,，。;；])")
_URGENT = re.compile(r"(?:^|[\s,，。;；])(?:加急|紧急)(?:[\s:：,，]+(?P<reason>.*))?$", re.S)
_HEAD = re.compile(r"(?:发给|给)?(?P<to>[^\s:：]+)[\s:：]+(?P<text>.+)", re.S)
_SEND = re.compile(r"\s*(?:定时|再)?(?:发送|发出|发)$")
_WORD = re.compile(r"[^\s,，。;；]+")
_SHORT = {"今晚": "今天晚上", "明早": "明天早上", "明晚": "明天晚上", "今早": "今天早上"}
_LIKE_SOMEBODY = re.compile(
    r"(?P<to>[^\s:：,，。]{1,12}?(?:班|组|支部|科|室|队|所|站|人员|党员|干部|同志|青年))[\s:：]+\S.*", re.S
)
_EDGE = " \n,，。;；"
_MOST_WORDS = 3
"""Of how many words a moment may consist: 12月5日 下午 2点."""


def read(session: Session, actor: Actor, said: str, *, now: datetime) -> Draft:
    """The notice of a line. Without a known audience in front it is for everybody.

    :class:`NothingWritten`, :class:`TooLong`, :class:`UrgentNeedsReason`, :class:`SendsTooEarly` or :class:`SendsTooLate`.
    """
    text, flags = _FLAG.subn(" ", said)
    text, at = _set_for(text, now)
    urgent = _URGENT.search(text)
    reason = (urgent["reason"] or "").strip() if urgent else ""
    if urgent:
        if not reason:
            raise UrgentNeedsReason
        text = text[: urgent.start()]
    if at is None:
        text, at = _set_for(text, now)
    to, text = _audience_in_front(session, actor, text.strip(), now)
    return checked(Draft(to, text, bool(flags), reason, _iso(at)), now)


def checked(draft: Draft, now: datetime) -> Draft:
    """The draft, if it can be sent."""
    if not draft.text:
        raise NothingWritten
    if len(draft.text) > MOST_CHARACTERS:
        raise TooLong(length=len(draft.text))
    at = draft.sends_at
    if at is not None and at <= now:
        raise SendsTooEarly(when=moment(at, now))
    if at is not None and at > now + AHEAD:
        raise SendsTooLate(when=moment(at, now))
    return draft


def not_somebody(draft: Draft) -> str:
    """Words at the beginning of a notice to everybody that may have been meant as its audience (检修三班 明天停电); empty without any."""
    found = _LIKE_SOMEBODY.fullmatch(draft.text) if draft.to == recipients.EVERYBODY else None
    return found["to"] if found else ""


def set_for(draft: Draft, said: str, now: datetime) -> Draft | None:
    """The draft set for the moment that a text is ("明天8点", with or without 发); None when it is no moment."""
    at = _moment(_SEND.sub("", said.strip(_EDGE)), now)
    return replace(draft, at=_iso(at)) if at is not None else None


def moment_in_front(said: str, now: datetime) -> tuple[datetime | None, str]:
    """The moment at the beginning of "明天8点 全体 开会", and what follows it; None and the whole text without one."""
    words = list(_WORD.finditer(said))
    for count in range(min(_MOST_WORDS, len(words)), 0, -1):
        end = words[count - 1].end()
        at = _moment(_SEND.sub("", said[:end]), now)
        if at is not None:
            return at, said[end:].strip(_EDGE)
    return None, said


def _set_for(text: str, now: datetime) -> tuple[str, datetime | None]:
    """The text without the words at its end that say when to send it, and that moment. A day alone is no moment: it may be what is told."""
    ended = text.rstrip(_EDGE)
    words = list(_WORD.finditer(ended)) if _SEND.search(ended) else []
    for count in range(min(_MOST_WORDS, len(words)), 0, -1):
        start = words[-count].start()
        at = _moment(_SEND.sub("", ended[start:]), now)
        if at is not None:
            return ended[:start].rstrip(_EDGE), at
    return text, None


def _moment(said: str, now: datetime) -> datetime | None:
    """The moment that a text is and nothing else; a time alone is the next such time."""
    for short, long in _SHORT.items():
        said = said.replace(short, long)
    found = when.find(said, now)
    if found.time is None or found.rest:
        return None
    if found.day is not None:
        return at_time(found.day, found.time, now)
    today = at_time(now.date(), found.time, now)
    return today if today > now else today + timedelta(days=1)


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""


def _audience_in_front(session: Session, actor: Actor, said: str, now: datetime) -> tuple[str, str]:
    found = _HEAD.fullmatch(said)
    if found and recipients.is_somebody(session, actor, found["to"], on=now.date()):
        return found["to"], found["text"].strip()
    somebody = recipients.is_somebody(session, actor, said, on=now.date())
    return recipients.EVERYBODY, "" if somebody else said
