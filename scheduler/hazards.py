"""Reminds in the morning of working days of hazards that are due or overdue."""

from __future__ import annotations

from datetime import datetime

from bot.services import hazard_alarm
from bot.services.setting import calendar
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("hazards", hour="8", minute="45")
def remind(node: Node, now: datetime) -> None:
    """On a day off nothing is said: what is due on it was said on the working day before."""
    if not calendar().is_workday(now.date()):
        return
    with node.database.write() as session:
        hazard_alarm.remind(session, now, calendar())
