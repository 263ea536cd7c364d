"""What members write about an activity they attended (感想)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, Attendance, Reflection
from bot.models.member import Member
from bot.services import activity as activities
from bot.services import points

REFLECTED_WITHIN = timedelta(days=7)


def write(
    session: Session, member: Member, text: str, *, now: datetime
) -> tuple[Activity | None, points.Award | None]:
    """Keep what the member wrote, for the activity attended last within seven days, which earns; without one it is kept freely."""
    activity = session.scalar(
        select(Activity)
        .join(Attendance, Attendance.activity_id == Activity.id)
        .where(Attendance.member_id == member.id, Attendance.at > now - REFLECTED_WITHIN)
        .order_by(Attendance.at.desc())
        .limit(1)
    )
    session.add(
        Reflection(activity_id=activity.id if activity else None, member_id=member.id, text=text, at=now)
    )
    if activity is None:
        return None, None
    fact = f"reflection {activity.id} {member.id}"
    reason = f"{activities.short(activity, now)}的感想"
    return activity, points.award(session, member.id, "reflection", fact=fact, reason=reason, now=now)
