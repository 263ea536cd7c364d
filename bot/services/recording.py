"""Which activity a recorder means: where one may write, add later, and read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState
from bot.models.minutes import ActivityDuty, Duty, MinuteLine
from bot.models.organisation import Organisation
from bot.services import activity as activities
from bot.services import duty as duties
from bot.services.permission import Action, Actor
from bot.times import moment

LATER = timedelta(days=30)
"""How long after its end an activity's minutes can be added to."""


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


class NotInvited(Refusal):
    text = "没有找到您能记录的 #{number} 号活动。回复 主题党日 看看有哪些。"


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
    return (Activity.branch_id == actor.branch_id) | Activity.id.in_(named)


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
        raise AlreadyEnded(theme=activities.title(activity))
    activities.require_published(activity, "记录")
    if now < activities.window_opens(activity):
        raise NotYetOpen(
            theme=activities.title(activity), when=moment(activities.window_opens(activity), now)
        )


def _why_not(session: Session, actor: Actor, now: datetime) -> Refusal:
    """Why nothing can be written now, the most useful reason first."""
    of_branch = Activity.branch_id == actor.branch_id
    others = session.scalars(select(Activity).where(_is_open(now), of_branch).limit(1)).first()
    if others is not None:
        who = duties.recorders_text(session, others, now)
        return NotRecorder(theme=activities.title(others), who=who, name=actor.member.name)
    mine = select(Activity).where(may_record(actor), _near(actor))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = (Activity.state == ActivityState.ENDED, Activity.ended_at >= midnight)
    ended = session.scalars(mine.where(*today).order_by(Activity.ended_at.desc()).limit(1)).first()
    if ended is not None:
        return AlreadyEnded(theme=activities.title(ended))
    coming = (Activity.state == ActivityState.PUBLISHED, Activity.starts_at > now)
    planned = session.scalars(mine.where(*coming).order_by(Activity.starts_at).limit(1)).first()
    if planned is not None:
        return NotYetOpen(theme=activities.title(planned), when=moment(activities.window_opens(planned), now))
    return NothingOpen()


def to_add_to(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Sequence[Activity]:
    """The activities ended within 30 days whose minutes the actor may add to, newest first; a refusal when there is none."""
    if number is not None:
        one = numbered(session, actor, number)
        require_ended(one, now)
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
        raise StillOpen(theme=activities.title(still))
    raise NothingEnded


def require_ended(activity: Activity, now: datetime) -> None:
    if activity.state is ActivityState.PUBLISHED:
        raise StillOpen(theme=activities.title(activity))
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
