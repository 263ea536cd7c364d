"""Minutes by chat: what the recorder sends during an activity, in order; correctable until it is ended, from then on only added to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import nlu
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState
from bot.models.member import Member
from bot.models.minutes import MinuteLine, MinutePhoto
from bot.services import activity as activities
from bot.services import member as people
from bot.services import recording
from bot.services.permission import Actor
from bot.services.photo_file import WINDOW

MOST = 500
"""The most characters of a line."""
_TITLE = r"(?:同志|书记|副书记|委员|组长)?(?:发言|汇报|介绍|指出|提出|表示|说)?"


class NoSuchLine(Refusal):
    text = "“{theme}”没有第 {number} 条记录（可能已经删了）。回复 记录 看有哪些。"


class LineTooLong(Refusal):
    text = "一条最多 {most} 个字，这条有 {count} 个字，没有记下。请分成几条发。"


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is shown: ``speaker`` "" where no name of the roster was given; ``photos`` how many belong to it."""

    number: int
    speaker: str
    text: str
    author: str
    at: datetime
    later: bool
    photos: int

    def __str__(self) -> str:
        return f"{self.speaker}：{self.text}" if self.speaker else self.text


# Writing ------------------------------------------------------------------------------------------------------------------


def speaker_of(session: Session, branch_id: int, text: str) -> tuple[Member | None, str]:
    """Who spoke and what, of "张伟：线路巡视发现三处隐患". Only a name of the branch's roster that one person bears, followed by a colon, is a speaker."""
    head, colon, rest = (
        text.partition("：") if "：" in text and ":" not in text.split("：")[0] else text.partition(":")
    )
    name = nlu.clean(head).replace(" ", "")
    if not colon or not rest.strip() or not 2 <= len(name) <= 16:
        return None, text
    known = session.scalars(select(Member).where(Member.branch_id == branch_id, Member.active)).all()
    found = [one for one in known if re.fullmatch(re.escape(one.name) + _TITLE, name)]
    return (found[0], rest.strip()) if len(found) == 1 else (None, text)


def add(session: Session, actor: Actor, activity: Activity, text: str, *, now: datetime) -> Line:
    """Write the next line of an open activity."""
    _lock(session, activity)
    recording.require_open(activity, now)
    return _written(session, actor, activity, text, now, later=False)


def add_later(session: Session, actor: Actor, activity: Activity, text: str, *, now: datetime) -> Line:
    """Add to the minutes of an ended activity; marked as added later, with the time, and not changed any more."""
    _lock(session, activity)
    recording.require_ended(activity, now)
    return _written(session, actor, activity, text, now, later=True)


def _lock(session: Session, activity: Activity) -> None:
    """Hold the activity against its end and against other lines, but not against check-ins."""
    session.refresh(activity, with_for_update={"key_share": True})


def _written(
    session: Session, actor: Actor, activity: Activity, text: str, now: datetime, *, later: bool
) -> Line:
    speaker, said = speaker_of(session, activity.branch_id, checked(text))
    last = session.scalar(select(func.max(MinuteLine.number)).where(MinuteLine.activity_id == activity.id))
    row = MinuteLine(
        activity_id=activity.id,
        number=(last or 0) + 1,
        speaker_id=speaker.id if speaker else None,
        text=said,
        author_id=actor.member.id,
        at=now,
        added_later=later,
    )
    session.add(row)
    session.flush()
    return Line(row.number, speaker.name if speaker else "", said, actor.member.name, now, later, 0)


def checked(text: str) -> str:
    """The text of a line without blanks around it; :class:`LineTooLong`."""
    text = text.strip()
    if len(text) > MOST:
        raise LineTooLong(most=MOST, count=len(text))
    return text


# Correcting ---------------------------------------------------------------------------------------------------------------


def change(
    session: Session, actor: Actor, activity: Activity, number: int, text: str, *, now: datetime
) -> tuple[str, Line]:
    """Give a line a new text (and speaker); returns the old line as text and the new one."""
    row = _correctable(session, activity, number, now)
    before = str(_line(session, row))
    speaker, said = speaker_of(session, activity.branch_id, checked(text))
    row.speaker_id, row.text = (speaker.id if speaker else None), said
    row.changed_by, row.changed_at = actor.member.id, now
    session.flush()
    return before, _line(session, row)


def remove(session: Session, actor: Actor, activity: Activity, number: int, *, now: datetime) -> Line:
    """Take a line out of the minutes; its number is not given again."""
    row = _correctable(session, activity, number, now)
    row.deleted_at, row.changed_by, row.changed_at = now, actor.member.id, now
    session.flush()
    return _line(session, row)


def restore(session: Session, actor: Actor, activity: Activity, number: int, *, now: datetime) -> Line:
    """Put a removed line back."""
    row = _correctable(session, activity, number, now, removed=True)
    row.deleted_at, row.changed_by, row.changed_at = None, actor.member.id, now
    session.flush()
    return _line(session, row)


def _correctable(
    session: Session, activity: Activity, number: int, now: datetime, *, removed: bool = False
) -> MinuteLine:
    _lock(session, activity)
    recording.require_open(activity, now)
    row = session.scalars(
        select(MinuteLine).where(
            MinuteLine.activity_id == activity.id,
            MinuteLine.number == number,
            MinuteLine.deleted_at.is_not(None) if removed else MinuteLine.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NoSuchLine(theme=activities.title(activity), number=number)
    return row


# Reading ------------------------------------------------------------------------------------------------------------------


def lines(session: Session, activity_id: int) -> list[Line]:
    """The lines of an activity in order, those added later last."""
    return lines_of(session, [activity_id])[activity_id]


def lines_of(session: Session, activity_ids: Iterable[int]) -> dict[int, list[Line]]:
    """The lines of several activities, in two queries."""
    wanted = list(activity_ids)
    rows = session.scalars(
        select(MinuteLine)
        .where(MinuteLine.activity_id.in_(wanted), MinuteLine.deleted_at.is_(None))
        .order_by(MinuteLine.activity_id, MinuteLine.number)
    ).all()
    names, photos = _names(session, rows), _photos(session, rows)
    found: dict[int, list[Line]] = {number: [] for number in wanted}
    for row in rows:
        found[row.activity_id].append(_shown(row, names, photos))
    return found


def _line(session: Session, row: MinuteLine) -> Line:
    return _shown(row, _names(session, [row]), _photos(session, [row]))


def _shown(row: MinuteLine, names: dict[int, str], photos: dict[int, int]) -> Line:
    speaker = names.get(row.speaker_id or 0, "")
    return Line(
        row.number, speaker, row.text, names[row.author_id], row.at, row.added_later, photos.get(row.id, 0)
    )


def _names(session: Session, rows: Sequence[MinuteLine]) -> dict[int, str]:
    return people.names_of(session, (one for row in rows for one in (row.author_id, row.speaker_id)))


def _photos(session: Session, rows: Sequence[MinuteLine]) -> dict[int, int]:
    ids = [row.id for row in rows]
    found = session.execute(
        select(MinutePhoto.line_id, func.count())
        .where(MinutePhoto.line_id.in_(ids))
        .group_by(MinutePhoto.line_id)
    )
    return {number: count for number, count in found}  # noqa: C416


# Photos -------------------------------------------------------------------------------------------------------------------


def line_for_photo(session: Session, member: Member, *, now: datetime) -> MinuteLine | None:
    """The line that the member wrote last, within ten minutes, if it can still be added to."""
    row = session.execute(
        select(MinuteLine, Activity.state)
        .join(Activity, Activity.id == MinuteLine.activity_id)
        .where(
            MinuteLine.author_id == member.id,
            MinuteLine.deleted_at.is_(None),
            MinuteLine.at >= now - WINDOW,
        )
        .order_by(MinuteLine.at.desc(), MinuteLine.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or not (row[1] is ActivityState.PUBLISHED or row[0].added_later):
        return None
    return row[0]


def attach_photo(
    session: Session, member: Member, row: MinuteLine, media: str, *, channel: str, now: datetime
) -> int:
    """Keep the platform's id of a photo with a line; returns how many the line has."""
    session.add(MinutePhoto(line_id=row.id, channel=channel, media=media, author_id=member.id, at=now))
    session.flush()
    return _photos(session, [row])[row.id]
