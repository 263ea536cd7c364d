"""Tells secretaries in the morning of working days what of organisation life is due: each stage once, one message a branch and day."""

from __future__ import annotations

from datetime import datetime

from bot.services.cadence import alarm
from bot.services.setting import calendar
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("cadence", hour="8", minute="35")
def remind(node: Node, now: datetime) -> None:
    """On a day off nothing is said: what falls on it was said on the working day before."""
    if not calendar().is_workday(now.date()):
        return
    with node.database.write() as session:
        alarm.remind(session, now, calendar())
