"""Who is to be reminded of key tasks on a working day: owners three days before, on the day, then weekly; those in charge once."""

from __future__ import annotations

from datetime import date

from bot.services.key_task import register

WEEK = 7


def stage(due_on: date, today: date) -> str:
    """How near the day is, as a name that changes only when there is something new to say; empty while it is far."""
    left = (due_on - today).days
    if left > register().near_days:
        return ""
    if left > 0:
        return f"{due_on} near"
    return f"{due_on} late {-left // WEEK}"
