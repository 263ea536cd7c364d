"""How many key tasks were due in a period and how many of them were done in time, for the branch score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.models.key_task import KeyTask, TaskState
from bot.times import last_day_over


def due_and_done(
    session: Session, branch_ids: Sequence[int], starts_on: date, ends_on: date, at: datetime
) -> dict[int, tuple[int, int]]:
    """For each branch that has any: how many tasks were due, and how many of them were done in time.

    Due are those not called off whose day lies in the period and is over by ``at`` (its last second counts as over), or which are done by then.
    Done are those that were confirmed, where the owner had said so by the day they were due: a late confirmation does them no harm.
    ``at`` carries the zone that decides days. One query for any number of branches.
    """
    done = KeyTask.state == TaskState.DONE
    in_time = and_(done, KeyTask.reported_on <= KeyTask.due_on)
    rows = session.execute(
        select(KeyTask.branch_id, func.count(), func.sum(case((in_time, 1), else_=0)))
        .where(
            KeyTask.branch_id.in_(branch_ids),
            KeyTask.state != TaskState.CANCELLED,
            KeyTask.due_on.between(starts_on, ends_on),
            or_(KeyTask.due_on <= last_day_over(at), and_(done, KeyTask.decided_at <= at)),
        )
        .group_by(KeyTask.branch_id)
    ).all()
    return {branch: (due, int(kept)) for branch, due, kept in rows}
