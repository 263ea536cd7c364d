"""Dates and times as people write them: 12月5日14:30, 明天下午两点半, 下周五, 2026-12-05 9点."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.errors import Refusal
from bot.times import at_time

_NUM = r"(?:[0-9]{1,2}|[一二两三四五六七八九十]{1,3})"
_DAY = re.compile(
    rf"(?P<rel>大后天|后天|明天|今天|明日|今日)"
    rf"|(?P<next>下下周|下个?周|这周|本周|下个?星期|这?星期|周)(?P<weekday>[一二三四五六日天1-7])"
    rf"|(?:(?P<year>20\d\d)\s*[年/.\-])?\s*(?P<month>{_NUM})\s*[月/.\-]\s*(?P<day>{_NUM}|[二三]十[一二三四五六七八九]?)\s*[日号]?"
)
_TIME = re.compile(
    rf"(?P<part>凌晨|早上|上午|中午|下午|晚上|傍晚)?\s*(?:"
    rf"(?P<hour>[01]?\d|2[0-4])\s*[:：]\s*(?P<minute>[0-5]\d)"
    rf"|(?P<oclock>{_NUM})\s*[点时](?:\s*(?P<half>半)|\s*(?P<quarter>[一三])刻|\s*(?P<past>[0-5]?\d|{_NUM})\s*分?)?)"
)
_RELATIVE = {"今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2, "大后天": 3}
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}


class WhenNotUnderstood(Refusal):
    text = "没看懂日期“{said}”。可以写：12月5日 14:30"


class TimeMissing(Refusal):
    text = "还差几点钟。可以写：12月5日 14:30"


class DayNotUnderstood(Refusal):
    text = "没看懂日期“{said}”。可以写：2026-12-01"


@dataclass(frozen=True, slots=True)
class Found:
    """A day and perhaps a time found in a text, and what was left of it."""

    day: date | None
    time: time | None
    rest: str


def number(text: str) -> int:
    """ "12", "十二", "二十三", "两" as an integer."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS[text[-1]]
    return (_DIGITS[tens[-1]] if tens else 1) * 10 + (_DIGITS[ones[-1]] if ones else 0)


WRITTEN = re.compile(r"(20\d\d)[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
"""A day with its year."""


def day(said: str, now: datetime) -> date:
    """The day in a text: as it is written where it has a year, else as :func:`find` reads it. :class:`DayNotUnderstood` otherwise."""
    written = WRITTEN.search(said)
    try:
        found = date(*(int(part) for part in written.groups())) if written else find(said, now).day
    except ValueError:
        found = None
    if found is None:
        raise DayNotUnderstood(said=said[:12])
    return found


def find(text: str, now: datetime) -> Found:
    """Look for a day and a time anywhere in the text. A day without a year is the next such day, at most a year ahead."""
    on, rest = _find_day(text, now)
    at, rest = _find_time(rest)
    return Found(on, at, rest.strip(" ,，。"))


def next_day(number: int, today: date) -> date | None:
    """The next 15th, today or later; every month has been seen within two of them. None for a number that no month has."""
    coming = (today + timedelta(days=n) for n in range(62))
    return next((one for one in coming if one.day == number), None)


def moment(text: str, now: datetime) -> datetime:
    """The moment a text means; :class:`WhenNotUnderstood` or :class:`TimeMissing` when it is not whole."""
    found = find(text, now)
    if found.day is None:
        raise WhenNotUnderstood(said=text[:20])
    if found.time is None:
        raise TimeMissing
    return at_time(found.day, found.time, now)


def change(text: str, old: datetime, now: datetime) -> datetime:
    """``old`` with the day, the time, or both replaced by those in the text; :class:`WhenNotUnderstood` without either."""
    found = find(text, now)
    if found.day is None and found.time is None:
        raise WhenNotUnderstood(said=text[:20])
    there = old.astimezone(now.tzinfo)
    return at_time(found.day or there.date(), found.time or there.time(), now)


def _find_day(text: str, now: datetime) -> tuple[date | None, str]:
    for found in _DAY.finditer(text):
        on = _day_of(found, now.date())
        if on is not None:
            return on, text[: found.start()] + " " + text[found.end() :]
    return None, text


def _day_of(found: re.Match[str], today: date) -> date | None:
    if found["rel"]:
        return today + timedelta(days=_RELATIVE[found["rel"]])
    if found["weekday"]:
        return _weekday_of(found["next"], found["weekday"], today)
    try:
        month, day = number(found["month"]), number(found["day"])
        if found["year"]:
            return date(int(found["year"]), month, day)
        this_year = date(today.year, month, day)
    except (ValueError, KeyError, IndexError):
        return None
    return this_year if this_year >= today - timedelta(days=30) else this_year.replace(year=today.year + 1)


def _weekday_of(which: str, weekday: str, today: date) -> date:
    wanted = (
        6
        if weekday in "日天7"
        else "一二三四五六".find(weekday)
        if not weekday.isdigit()
        else int(weekday) - 1
    )
    monday = today - timedelta(days=today.weekday())
    if which.startswith("下下"):
        return monday + timedelta(days=14 + wanted)
    if which.startswith("下"):
        return monday + timedelta(days=7 + wanted)
    this = monday + timedelta(days=wanted)
    return this if this >= today or which[0] in "这本" else this + timedelta(days=7)


def _find_time(text: str) -> tuple[time | None, str]:
    for found in _TIME.finditer(text):
        at = _time_of(found)
        if at is not None:
            return at, text[: found.start()] + " " + text[found.end() :]
    return None, text


def _time_of(found: re.Match[str]) -> time | None:
    try:
        if found["hour"]:
            hour, minute = int(found["hour"]), int(found["minute"])
        else:
            hour, minute = number(found["oclock"]), _minute_of(found)
        if found["part"] in ("下午", "晚上", "傍晚") and hour < 12:
            hour += 12
        if found["part"] == "中午" and hour < 3:
            hour += 12
        return time(hour % 24, minute)
    except (ValueError, KeyError, IndexError):
        return None


def _minute_of(found: re.Match[str]) -> int:
    if found["half"]:
        return 30
    if found["quarter"]:
        return 15 if found["quarter"] == "一" else 45
    return number(found["past"]) if found["past"] else 0
