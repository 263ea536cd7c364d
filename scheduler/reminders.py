"""Before an activity: those signed up are reminded the day before and an hour before, the silent are nudged once, those on leave get neither."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.member import Member
from bot.services import activity as activities
from bot.services import freeze, outbox, setting, waiting_list
from bot.times import at_time, clock, full_moment
from scheduler.runner import Jobs, Node

jobs = Jobs()

HOUR_BEFORE = timedelta(hours=1)
SETTLED = timedelta(hours=2)
"""An invitation must be this old before silence means anything."""


@jobs.cron("reminders", minute="*/5")
def remind(node: Node, now: datetime) -> None:
    """Queue what is due for every activity that starts within two days."""
    with node.database.write() as session:
        for activity in _soon(session, now):
            eve = at_time(activities.eve(activity.starts_at, now), activities.REMINDED_AT, now)
            hour = activity.starts_at - HOUR_BEFORE
            if now >= hour:
                _remind(session, activity, "hour", hour, now)
            elif now >= eve:
                _remind(session, activity, "eve", eve, now)
                _nudge(session, activity, eve, now)


def _soon(session: Session, now: datetime) -> Sequence[Activity]:
    coming = (Activity.starts_at > now, Activity.starts_at < now + timedelta(days=2))
    return session.scalars(select(Activity).where(Activity.state == ActivityState.PUBLISHED, *coming)).all()


def _key(activity: Activity, kind: str) -> str:
    """What is said once for an activity, and once more when it was moved to another time."""
    return f"activity {activity.id} {kind} {activity.starts_at:%Y%m%d%H%M}"


def _remind(session: Session, activity: Activity, kind: str, due: datetime, now: datetime) -> None:
    """Tell those who signed up before the reminder was due: who did it later has just read all of it."""
    # The reminder may be read later than it was written, so no "today" or "tomorrow" stands in it.
    text = (
        f"提醒：{activities.short(activity, now)}\n"
        f"时间：{full_moment(activity.starts_at, now)}\n"
        f"地点：{activity.place}\n"
        f"到现场请发：签到 口令；来不了请回复 请假 原因。"
    )
    told = _members(session, activity, SignUp.state == SignUpState.SIGNED_UP, SignUp.answered_at <= due)
    outbox.push(session, told, text, key=_key(activity, kind), now=now, expires_at=activity.starts_at)


def _nudge(session: Session, activity: Activity, due: datetime, now: datetime) -> None:
    """Ask the silent once, but not in a freeze period, and unless they were invited or nudged only lately. Who withdraws after that is not asked why."""
    mine = SignUp.activity_id == activity.id
    if freeze.until(session, [activity.branch_id], now=now):
        return
    done = session.scalar(select(SignUp.member_id).where(mine, SignUp.nudged_at >= due).limit(1))
    if done is not None or activity.published_at > due - SETTLED or waiting_list.is_full(session, activity):
        return
    apart = timedelta(hours=setting.rules(session, activity.branch_id).nudge_hours)
    lately = or_(SignUp.nudged_at.is_(None), SignUp.nudged_at <= now - apart)
    silent = _members(session, activity, SignUp.state == SignUpState.INVITED, lately)
    key = _key(activity, "nudge")
    if outbox.push(
        session, silent, _question(activity, now), key=key, now=now, expires_at=activity.starts_at
    ):
        asked = update(SignUp).where(mine, SignUp.member_id.in_(silent))
        session.execute(asked.values(nudged_at=now), execution_options={"synchronize_session": False})


def _question(activity: Activity, now: datetime) -> str:
    what = f"{activities.short(activity, now)}，您还没回复。\n时间：{full_moment(activity.starts_at, now)}，地点：{activity.place}。"
    if now < activity.signup_closes_at:
        return f"{what}\n请在 {clock(activity.signup_closes_at, now)} 前回复 报名 或 请假 原因。"
    return f"{what}\n报名已截止，能参加请直接到场发 签到 口令；来不了请回复 请假 原因。"


def _members(session: Session, activity: Activity, *which: ColumnElement[bool]) -> list[int]:
    invited = select(SignUp.member_id).join(Member, Member.id == SignUp.member_id)
    active = invited.where(SignUp.activity_id == activity.id, Member.active, *which)
    return list(session.scalars(active.order_by(SignUp.member_id)))
