"""Exams: a reminder a day before the end to who has not begun, and the results after it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from bot.models.exam import Exam
from bot.services import exam as exams
from bot.services import exam_result, outbox
from bot.times import full_moment
from scheduler.runner import Jobs, Node

jobs = Jobs()

DAY = timedelta(days=1)
SETTLED = timedelta(minutes=5)
"""Answers sent just before the end may still be on their way."""


@jobs.cron("exams", minute="*/5")
def look(node: Node, now: datetime) -> None:
    """Remind of what ends within a day, unless it was only just published; tell the results of what has ended."""
    with node.database.write() as session:
        standing = (Exam.cancelled_at.is_(None), Exam.told_at.is_(None), Exam.closes_at <= now + DAY)
        for exam in session.scalars(select(Exam).where(*standing).order_by(Exam.id)).all():
            if exam.closes_at + SETTLED <= now:
                exam_result.tell(session, exam, now=now)
            elif exam.closes_at > now and max(exam.published_at, exam.opens_at) <= exam.closes_at - 2 * DAY:
                text = f"提醒：{exams.title(exam, now)}{full_moment(exam.closes_at, now)} 截止，您还没考。回复 考试 参加。"
                readers = exams.waiting_for(session, exam)
                outbox.push(
                    session, readers, text, key=f"exam {exam.id} eve", now=now, expires_at=exam.closes_at
                )
