"""How moments are shown. ``now`` is aware and carries the zone in which everything is shown and understood; the database keeps UTC."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

WEEKDAYS = "一二三四五六日"
DAY_ENDS = time(23, 59, 59)
"""From its last second on a day is over."""


def local(at: datetime, now: datetime) -> datetime:
    """The moment in the zone of ``now``."""
    return at.astimezone(now.tzinfo)


def day(on: date, now: datetime) -> str:
    """12月4日(周五), with the year when it is not this one."""
    year = "" if on.year == now.year else f"{on.year}年"
    return f"{year}{on.month}月{on.day}日(周{WEEKDAYS[on.weekday()]})"


def clock(at: datetime, now: datetime) -> str:
    """14:27."""
    return f"{local(at, now):%H:%M}"


def moment(at: datetime, now: datetime) -> str:
    """12月4日(周五)14:30, or 今天14:30 / 明天14:30."""
    there = local(at, now)
    near = {now.date(): "今天", now.date() + timedelta(days=1): "明天"}.get(there.date())
    return f"{near or day(there.date(), now)}{there:%H:%M}"


def full_moment(at: datetime, now: datetime) -> str:
    """2026年12月5日(周六)14:30: for previews and records, where no word may depend on today."""
    there = local(at, now)
    return f"{there.year}年{there.month}月{there.day}日(周{WEEKDAYS[there.weekday()]}){there:%H:%M}"


def at_time(on: date, clock_time: time, now: datetime) -> datetime:
    """The aware moment of a wall-clock time on a day in the zone of ``now``."""
    return datetime.combine(on, clock_time, tzinfo=now.tzinfo)


def last_day_over(at: datetime) -> date:
    """The last day that is over at a local moment: the day itself from :data:`DAY_ENDS` on, else the one before."""
    return at.date() if at.time() >= DAY_ENDS else at.date() - timedelta(days=1)


def quarter(at: datetime) -> str:
    """The quarter of a local moment: 2026Q4."""
    return f"{at.year}Q{(at.month - 1) // 3 + 1}"
