"""Weeks of a member that are left out of the weeks of study: a pause of the pushes for duty, a business trip, leave."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from bot.db import upsert
from bot.models.study import PausedWeek

WEEK = timedelta(days=7)


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def excuse(session: Session, member_id: int, first: date, last: date) -> None:
    """Leave out the weeks from ``first`` to ``last``: duty, business trip, leave."""
    monday = monday_of(first)
    rows = [
        {"member_id": member_id, "monday": monday + n * WEEK}
        for n in range((monday_of(last) - monday).days // 7 + 1)
    ]
    session.execute(upsert(session, PausedWeek).on_conflict_do_nothing(), rows)
