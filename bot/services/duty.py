"""Who leads an activity, who writes it down, who speaks: named by people in charge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity
from bot.models.member import Member
from bot.models.minutes import ActivityDuty, Duty
from bot.models.outbox import Urgency
from bot.services import activity as activities
from bot.services import outbox, sign_up
from bot.services.permission import Action, Actor
from bot.times import full_moment


class NothingPlanned(Refusal):
    text = "没有正在开的或将要开的活动。请先发 发布主题党日，再指定{duty}。"


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
    text = f"{head}：{activity.kind}“{activities.title(activity)}”，{when}，{activity.place}。\n{tail}"
    key = f"activity {activity.id} {duty.name.lower()} {now.isoformat()}"
    outbox.push(session, members, text, key=key, now=now, urgency=Urgency.ANSWER)
