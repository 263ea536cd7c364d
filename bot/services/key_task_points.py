"""What a key task earns its owner: once, by the rule, when it was done in time and confirmed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.points import PointEntry
from bot.services import point_rule, points
from bot.services.key_task import Task
from bot.services.permission import Actor

RULE = "task_done"


def award(session: Session, actor: Actor, task: Task, now: datetime) -> int:
    """The points of the rule, once for a task; what was taken back with an undone confirmation counts again. 0 where no rule is in force."""
    if not point_rule.rules().in_force(RULE, now.date()):
        return 0
    reason = f"按期完成关键任务{task.code}"
    before = entry_of(session, task)
    if before is None:
        fact = f"task {task.row.id} done"
        taken = session.scalar(select(PointEntry.id).where(PointEntry.fact == fact))
        # After an undone confirmation the task may have gone to another owner.
        fact = f"{fact} {task.owner.id}" if taken else fact
        done = points.award(
            session, task.owner.id, RULE, fact=fact, reason=reason, now=now, giver_id=actor.member.id
        )
        return done.points
    _, counts = points.live(session, before)
    if counts:
        return 0
    _, again = points.correct(
        session, before, before.points, reason=reason, giver_id=actor.member.id, now=now
    )
    return again.points if again else 0


def entry_of(session: Session, task: Task) -> PointEntry | None:
    """What the owner once earned with the task."""
    facts = (f"task {task.row.id} done", f"task {task.row.id} done {task.owner.id}")
    return session.scalars(
        select(PointEntry).where(PointEntry.fact.in_(facts), PointEntry.member_id == task.owner.id)
    ).one_or_none()
