"""Who has not answered or not come, and nudging only these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, Attendance, SignUp, SignUpState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services import activity as activities
from bot.services import freeze, outbox, setting
from bot.services.permission import Action, Actor
from bot.times import clock, full_moment, moment


class NobodyToNudge(Refusal):
    text = "“{theme}”没有需要提醒的人，{why}。"


class NudgedLately(Refusal):
    text = "刚提醒过，每人{hours}小时内只提醒一次。{when} 以后可以再发 催一下。"


@dataclass(frozen=True, slots=True)
class Missing:
    """One person who has not answered or not come, with the group's name ("" without a group)."""

    member: Member
    group: str
    nudged_at: datetime | None


def missing(session: Session, actor: Actor, activity: Activity, *, there: bool) -> list[Missing]:
    """Whom the actor may see among the silent (``there`` False) or among the expected who have not checked in (``there`` True)."""
    node = func.coalesce(Member.group_id, Member.branch_id)
    rows = session.execute(
        select(Member, Organisation.name, Member.group_id, SignUp.nudged_at)
        .join(SignUp, SignUp.member_id == Member.id)
        .join(Organisation, Organisation.id == node)
        .where(
            SignUp.activity_id == activity.id,
            Member.active,
            actor.within(Action.SEE_GROUP),
            _absent(activity) if there else SignUp.state == SignUpState.INVITED,
        )
        .order_by(Member.group_id, Member.id)
    ).all()
    return [Missing(member, name if group_id else "", nudged) for member, name, group_id, nudged in rows]


def _absent(activity: Activity) -> ColumnElement[bool]:
    came = select(Attendance.member_id).where(Attendance.activity_id == activity.id)
    due = SignUp.state != SignUpState.LEAVE_GRANTED
    if activity.capacity:
        due = SignUp.state.in_((SignUpState.SIGNED_UP, SignUpState.LEAVE_ASKED))
    return due & Member.id.not_in(came)


def by_group(people: Sequence[Missing]) -> dict[str, list[str]]:
    """Names by group, in the order of the list."""
    groups: dict[str, list[str]] = {}
    for one in people:
        groups.setdefault(one.group or "未分小组", []).append(one.member.name)
    return groups


def nudge(session: Session, actor: Actor, activity: Activity, *, there: bool, now: datetime) -> list[str]:
    """Remind only those missing whom the actor may see, each at most as often as the branch's setting says; the names of those reminded now.

    :class:`NobodyToNudge` or :class:`NudgedLately` when nobody is left.
    """
    # Against a second nudge, but not against check-ins, which hold their own row and want this one shared.
    session.refresh(activity, with_for_update={"key_share": True})
    if not there:
        freeze.require_none(session, activity.branch_id, now=now)
    people = missing(session, actor, activity, there=there)
    if not people:
        raise NobodyToNudge(theme=activity.theme, why="该来的都签到了" if there else "大家都回复了")
    hours = setting.rules(session, activity.branch_id).nudge_hours
    apart = timedelta(hours=hours)
    due = [one for one in people if one.nudged_at is None or one.nudged_at + apart <= now]
    if not due:
        next_time = min(one.nudged_at for one in people if one.nudged_at) + apart
        raise NudgedLately(hours=hours, when=moment(next_time, now))
    ids = [one.member.id for one in due]
    session.execute(
        update(SignUp)
        .where(SignUp.activity_id == activity.id, SignUp.member_id.in_(ids))
        .values(nudged_at=now)
        .execution_options(synchronize_session=False)
    )
    key = f"activity {activity.id} nudge {now.isoformat()}"
    outbox.push(
        session, ids, _nudge_text(activity, there, now), key=key, now=now, expires_at=activity.ends_at
    )
    return [one.member.name for one in due]


def _nudge_text(activity: Activity, there: bool, now: datetime) -> str:
    what = activities.short(activity, now)
    if there:
        return f"{what} {clock(activity.starts_at, now)} 在{activity.place}，您还没签到。到现场请发：签到 口令；来不了请联系支部。"
    return f"{what} 您还没回复。时间：{full_moment(activity.starts_at, now)}，地点：{activity.place}。请回复 报名 或 请假 原因。"
