"""Activities with a limit: who comes after it is full waits, and moves up when somebody steps back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, SignUp, SignUpState
from bot.models.outbox import Urgency
from bot.services import activity as activities
from bot.services import outbox
from bot.times import full_moment


def is_full(session: Session, activity: Activity) -> bool:
    """Whether as many signed up as may. True only for an activity that has a limit."""
    return activity.capacity is not None and _signed_up(session, activity) >= activity.capacity


def _signed_up(session: Session, activity: Activity) -> int:
    mine = (SignUp.activity_id == activity.id, SignUp.state == SignUpState.SIGNED_UP)
    return session.scalar(select(func.count()).where(*mine)) or 0


def place(session: Session, activity_id: int, member_id: int) -> int:
    """The place of a member in the queue, counted from 1; 0 for somebody who does not wait."""
    waiting = select(SignUp.member_id).where(
        SignUp.activity_id == activity_id, SignUp.state == SignUpState.WAITS
    )
    queue = list(session.scalars(waiting.order_by(SignUp.answered_at, SignUp.member_id)))
    return queue.index(member_id) + 1 if member_id in queue else 0


def move_up(session: Session, activity: Activity, *, now: datetime) -> int:
    """Let in those who wait longest, as far as there is room, and tell them; returns how many.

    The caller holds the activity, and has seen that it has not begun.
    """
    session.flush()
    waiting = (
        select(SignUp)
        .where(SignUp.activity_id == activity.id, SignUp.state == SignUpState.WAITS)
        .order_by(SignUp.answered_at, SignUp.member_id)
        .with_for_update()
    )
    room = None if activity.capacity is None else max(0, activity.capacity - _signed_up(session, activity))
    lucky = list(session.scalars(waiting.limit(room)))
    for row in lucky:
        row.state, row.answered_at = SignUpState.SIGNED_UP, now
    session.flush()
    text = (
        f"有名额了，您已报名成功：{activities.short(activity, now)}\n"
        f"时间：{full_moment(activity.starts_at, now)}\n地点：{activity.place}\n去不了请发 请假 原因。"
    )
    key = f"activity {activity.id} moved up {now.isoformat()}"
    told = [row.member_id for row in lucky]
    outbox.push(session, told, text, key=key, now=now, urgency=Urgency.ANSWER, expires_at=activity.starts_at)
    return len(lucky)
