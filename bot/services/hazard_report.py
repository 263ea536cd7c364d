"""What the register says of a branch's quarter."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.models.hazard import OPEN, Hazard, HazardState
from bot.times import last_day_over


def due_and_closed(
    session: Session, branch_ids: Collection[int], starts_on: date, ends_on: date, at: datetime
) -> dict[int, tuple[int, int]]:
    """By branch how many hazards were due, and how many of them were closed in time, as it stands at ``at`` (in the zone that decides days).

    Due is what had its deadline within the days (inclusive) and was closed by ``at`` or is past it, so that each counts once. In time is what was
    closed on the day of its deadline at the latest. A day is past from its last second on. What turned out to be no hazard, or was withdrawn, is
    left out; branches without any are absent.
    """
    closed = and_(Hazard.state == HazardState.CLOSED, Hazard.closed_at <= at)
    # What was closed only after ``at`` was still open then.
    open_then = or_(Hazard.state.in_(OPEN), and_(Hazard.state == HazardState.CLOSED, Hazard.closed_at > at))
    was_due = or_(closed, and_(open_then, Hazard.due_on <= last_day_over(at)))
    in_time = and_(closed, Hazard.closed_on <= Hazard.due_on)
    rows = session.execute(
        select(Hazard.branch_id, func.count(), func.sum(case((in_time, 1), else_=0)))
        .where(Hazard.branch_id.in_(branch_ids), Hazard.due_on.between(starts_on, ends_on), was_due)
        .group_by(Hazard.branch_id)
    )
    return {branch: (due, int(in_time)) for branch, due, in_time in rows}
