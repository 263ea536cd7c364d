"""Reminds owners of key tasks in the morning of working days, and tells those in charge of what is long overdue."""

from __future__ import annotations

from datetime import datetime

from bot.services import key_task_reminder
from bot.services.setting import calendar
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("key_tasks", hour="8", minute="45")
def remind(node: Node, now: datetime) -> None:
    """On a day off nothing is said: it is said on the next working day."""
    if not calendar().is_workday(now.date()):
        return
    with node.database.write() as session:
        key_task_reminder.remind(session, now)
