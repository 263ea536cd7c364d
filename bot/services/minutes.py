"""Minutes by chat: what the recorder sends during an activity, in order; correctable until it is ended, from then on only added to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from bot import nlu
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState
from bot.models.member import Member
from bot.models.minutes import ActivityDuty, Duty, MinuteLine, MinutePhoto
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.services import activity as activities
from bot.services import outbox, sign_up
from bot.services.permission import Action, Actor
from bot.times import full_moment, moment

MOST = 500
"""The most characters of a line."""
PHOTO_WINDOW = timedelta(minutes=10)
LATER = timedelta(days=30)
"""How long after its end an activity's minutes can be added to."""
_TITLE = r"(?:同志|书记|副书记|委员|组长)?(?:发言|汇报|介绍|指出|提出|表示|说)?"


class NothingOpen(Refusal):
    text = "现在没有正在开的活动，没有记下。活动开始前60分钟起到结束前可以记；已经结束的请发：补记 内容"


class NotYetOpen(Refusal):
    text = "“{theme}”还没到时间，没有记下。{when} 起可以记。"


class NotRecorder(Refusal):
    text = "“{theme}”由{who}记录，没有记下。要由您来记，请书记或委员发：记录员 {name}"


class AlreadyEnded(Refusal):
    text = "“{theme}”已经结束，内容不能再改。要补充请发：补记 内容"


class StillOpen(Refusal):
    text = "“{theme}”还没结束，不用补记，直接发：记 内容"


class NothingEnded(Refusal):
    text = "没有您能补记的活动（只能补记30天内结束的）。正在开的请直接发：记 内容"


class NoSuchLine(Refusal):
    text = "“{theme}”没有第 {number} 条记录（可能已经删了）。回复 记录 看有哪些。"


class LineTooLong(Refusal):
    text = "一条最多 {most} 个字，这条有 {count} 个字，没有记下。请分成几条发。"


class NothingPlanned(Refusal):
    text = "没有正在开的或将要开的活动。请先发 发布主题党日，再指定{duty}。"


class NotInvited(Refusal):
    text = "没有找到您能记录的 #{number} 号活动。回复 主题党日 看看有哪些。"


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


# Which activity -----------------------------------------------------------------------------------------------------------


def may_record(actor: Actor) -> ColumnElement[bool]:
    """A condition on :class:`Activity`: of a branch whose activities the actor publishes, of a group that the actor leads, or named for it."""
    named = select(ActivityDuty.activity_id).where(
        ActivityDuty.member_id == actor.member.id, ActivityDuty.duty == Duty.RECORDER
    )
    groups = select(Organisation.id).where(actor.within(Action.SEE_GROUP))
    return or_(
        activities.seen_by(actor, Action.PUBLISH), Activity.group_id.in_(groups), Activity.id.in_(named)
    )


def _near(actor: Actor) -> ColumnElement[bool]:
    """Of the own branch, or of another one that named the actor: what is meant when no number is given."""
    named = select(ActivityDuty.activity_id).where(ActivityDuty.member_id == actor.member.id)
    return (Activity.branch_id == actor.member.branch_id) | Activity.id.in_(named)


def _is_open(now: datetime) -> ColumnElement[bool]:
    return (Activity.state == ActivityState.PUBLISHED) & (
        Activity.starts_at <= now + activities.CHECK_IN_OPENS
    )


def numbered(session: Session, actor: Actor, number: int) -> Activity:
    """The activity of a number that the actor may record; :class:`NotInvited` otherwise."""
    found = session.scalar(select(Activity).where(Activity.id == number, may_record(actor)))
    if found is None:
        raise NotInvited(number=number)
    return found


def to_write(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Sequence[Activity]:
    """What a line may be for: the activity of the number; else the open one that the actor last wrote to; else all open ones.

    Never empty: a refusal says why nothing can be written.
    """
    if number is not None:
        one = numbered(session, actor, number)
        require_open(one, now)
        return [one]
    found = session.scalars(
        select(Activity)
        .where(_is_open(now), may_record(actor), _near(actor))
        .order_by(Activity.starts_at.desc(), Activity.id)
    ).all()
    if not found:
        raise _why_not(session, actor, now)
    last = session.scalar(
        select(MinuteLine.activity_id)
        .where(MinuteLine.author_id == actor.member.id, MinuteLine.activity_id.in_([one.id for one in found]))
        .order_by(MinuteLine.at.desc(), MinuteLine.id.desc())
        .limit(1)
    )
    return [one for one in found if one.id == last] or found


def require_open(activity: Activity, now: datetime) -> None:
    """:class:`AlreadyEnded`, :class:`NotYetOpen`, or :class:`~bot.services.activity.NotOpenAnyMore` for a cancelled one."""
    if activity.state is ActivityState.ENDED:
        raise AlreadyEnded(theme=title(activity))
    activities.require_published(activity, "记录")
    if now < activities.window_opens(activity):
        raise NotYetOpen(theme=title(activity), when=moment(activities.window_opens(activity), now))


def _why_not(session: Session, actor: Actor, now: datetime) -> Refusal:
    """Why nothing can be written now, the most useful reason first."""
    of_branch = Activity.branch_id == actor.member.branch_id
    others = session.scalars(select(Activity).where(_is_open(now), of_branch).limit(1)).first()
    if others is not None:
        who = recorders_text(session, others, now)
        return NotRecorder(theme=title(others), who=who, name=actor.member.name)
    mine = select(Activity).where(may_record(actor), _near(actor))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = (Activity.state == ActivityState.ENDED, Activity.ended_at >= midnight)
    ended = session.scalars(mine.where(*today).order_by(Activity.ended_at.desc()).limit(1)).first()
    if ended is not None:
        return AlreadyEnded(theme=title(ended))
    coming = (Activity.state == ActivityState.PUBLISHED, Activity.starts_at > now)
    planned = session.scalars(mine.where(*coming).order_by(Activity.starts_at).limit(1)).first()
    if planned is not None:
        return NotYetOpen(theme=title(planned), when=moment(activities.window_opens(planned), now))
    return NothingOpen()


def to_add_to(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Sequence[Activity]:
    """The activities ended within 30 days whose minutes the actor may add to, newest first; a refusal when there is none."""
    if number is not None:
        one = numbered(session, actor, number)
        _require_ended(one, now)
        return [one]
    found = session.scalars(
        select(Activity)
        .where(
            Activity.state == ActivityState.ENDED,
            Activity.ended_at > now - LATER,
            may_record(actor),
            _near(actor),
        )
        .order_by(Activity.starts_at.desc(), Activity.id.desc())
    ).all()
    if found:
        return found
    still = session.scalars(select(Activity).where(_is_open(now), may_record(actor), _near(actor))).first()
    if still is not None:
        raise StillOpen(theme=title(still))
    raise NothingEnded


def _require_ended(activity: Activity, now: datetime) -> None:
    if activity.state is ActivityState.PUBLISHED:
        raise StillOpen(theme=title(activity))
    if (
        activity.state is not ActivityState.ENDED
        or activity.ended_at is None
        or activity.ended_at <= now - LATER
    ):
        raise NothingEnded


def to_read(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Activity:
    """The activity whose minutes are meant: by number, else the newest that has begun and is not cancelled."""
    if number is not None:
        return numbered(session, actor, number)
    found = session.scalars(
        select(Activity)
        .where(
            Activity.state != ActivityState.CANCELLED,
            Activity.starts_at <= now + activities.CHECK_IN_OPENS,
            may_record(actor),
            _near(actor),
        )
        .order_by(Activity.starts_at.desc(), Activity.id.desc())
        .limit(1)
    ).first()
    if found is None:
        raise _why_not(session, actor, now)
    return found


def title(activity: Activity) -> str:
    """The theme, or the kind where none was told."""
    return activity.theme or activity.kind


# Writing ------------------------------------------------------------------------------------------------------------------


def speaker_of(session: Session, branch_id: int, text: str) -> tuple[Member | None, str]:
    """Who spoke and what, of "张伟：线路巡视发现三处隐患". Only a name of the branch's roster that one person bears, followed by a colon, is a speaker."""
    head, colon, rest = (
        text.partition("：") if "：" in text and ":" not in text.split("：")[0] else text.partition(":")
    )
    name = nlu.clean(head).replace(" ", "")
    if not colon or not rest.strip() or not 2 <= len(name) <= 16:
        return None, text
    people = session.scalars(select(Member).where(Member.branch_id == branch_id, Member.active)).all()
    found = [one for one in people if re.fullmatch(re.escape(one.name) + _TITLE, name)]
    return (found[0], rest.strip()) if len(found) == 1 else (None, text)


def add(session: Session, actor: Actor, activity: Activity, text: str, *, now: datetime) -> Line:
    """Write the next line of an open activity."""
    _lock(session, activity)
    require_open(activity, now)
    return _written(session, actor, activity, text, now, later=False)


def add_later(session: Session, actor: Actor, activity: Activity, text: str, *, now: datetime) -> Line:
    """Add to the minutes of an ended activity; marked as added later, with the time, and not changed any more."""
    _lock(session, activity)
    _require_ended(activity, now)
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
    require_open(activity, now)
    row = session.scalars(
        select(MinuteLine).where(
            MinuteLine.activity_id == activity.id,
            MinuteLine.number == number,
            MinuteLine.deleted_at.is_not(None) if removed else MinuteLine.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NoSuchLine(theme=title(activity), number=number)
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
    people, photos = _names(session, rows), _photos(session, rows)
    found: dict[int, list[Line]] = {number: [] for number in wanted}
    for row in rows:
        found[row.activity_id].append(_shown(row, people, photos))
    return found


def _line(session: Session, row: MinuteLine) -> Line:
    return _shown(row, _names(session, [row]), _photos(session, [row]))


def _shown(row: MinuteLine, people: dict[int, str], photos: dict[int, int]) -> Line:
    speaker = people.get(row.speaker_id or 0, "")
    return Line(
        row.number, speaker, row.text, people[row.author_id], row.at, row.added_later, photos.get(row.id, 0)
    )


def _names(session: Session, rows: Sequence[MinuteLine]) -> dict[int, str]:
    ids = {one for row in rows for one in (row.author_id, row.speaker_id) if one}
    found = session.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))
    return {number: name for number, name in found}  # noqa: C416


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
            MinuteLine.at >= now - PHOTO_WINDOW,
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


# Who leads and who writes -------------------------------------------------------------------------------------------------


def on_duty(session: Session, activity_id: int, duty: Duty) -> list[Member]:
    """Who was named for a duty."""
    named = select(ActivityDuty.member_id).where(
        ActivityDuty.activity_id == activity_id, ActivityDuty.duty == duty
    )
    return list(session.scalars(select(Member).where(Member.id.in_(named)).order_by(Member.id)))


def recorders_text(session: Session, activity: Activity, now: datetime) -> str:
    """Whom to ask about the minutes: the named recorders, else secretary and deputies."""
    named = "、".join(one.name for one in on_duty(session, activity.id, Duty.RECORDER))
    return named or sign_up.in_charge(session, activity.branch_id, on=now.date())


def to_staff(
    session: Session, actor: Actor, number: int | None, duty: Duty, *, now: datetime
) -> Sequence[Activity]:
    """The activity that a recorder or host can be named for: the open one, else the next one. :class:`NothingPlanned` without any."""
    found = activities.managed(session, actor, Action.PUBLISH, number)
    if number is not None:
        activities.require_published(found[0], f"指定{duty}")
        return found
    opened = [one for one in found if activities.window_opens(one) <= now]
    if not found:
        raise NothingPlanned(duty=duty)
    return opened or found[:1]


def assign(
    session: Session,
    actor: Actor,
    activity: Activity,
    duty: Duty,
    members: Sequence[Member],
    *,
    now: datetime,
) -> list[int]:
    """Name these, and only these, for a duty; returns the ids of those who had it before. New recorders are told."""
    activities.lock_published(session, activity, f"指定{duty}")
    before = [one.id for one in on_duty(session, activity.id, duty)]
    session.execute(
        delete(ActivityDuty).where(ActivityDuty.activity_id == activity.id, ActivityDuty.duty == duty)
    )
    common = {"activity_id": activity.id, "duty": duty, "named_by": actor.member.id, "named_at": now}
    if members:
        session.execute(insert(ActivityDuty), [{**common, "member_id": one.id} for one in members])
    new = [one.id for one in members if one.id not in (*before, actor.member.id)]
    if duty in _ASKED:
        _tell(session, activity, duty, new, now)
    return before


_ASKED = {
    Duty.RECORDER: ("请您做记录", "会上请发：记 张伟：发言要点\n看记了什么请发：记录"),
    Duty.SPEAKER: ("请您发言", "大家提的问题请发 研讨问题 查看；会上或会后可发：答复 1 内容"),
}
"""What somebody who was named is asked, and what they can say. A host sees it in the activity itself."""


def _tell(session: Session, activity: Activity, duty: Duty, members: Sequence[int], now: datetime) -> None:
    head, tail = _ASKED[duty]
    when = full_moment(activity.starts_at, now)
    text = f"{head}：{activity.kind}“{title(activity)}”，{when}，{activity.place}。\n{tail}"
    key = f"activity {activity.id} {duty.name.lower()} {now.isoformat()}"
    outbox.push(session, members, text, key=key, now=now, urgency=Urgency.ANSWER)
