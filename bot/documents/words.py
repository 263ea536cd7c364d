"""How facts are written in documents: dates in full, a blank where nothing is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from bot.services.record import ActivityFacts, Person
from bot.times import WEEKDAYS, local

BLANK = "＿＿＿＿"
LONG_BLANK = "＿" * 24
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text without characters that no XML file may contain; one line break is one line feed."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def or_blank(text: str) -> str:
    """The text, or a blank to be filled in by hand."""
    return clean(text).strip() or BLANK


def names(people: Iterable[Person]) -> str:
    """王建国、张伟."""
    return "、".join(one.name for one in people)


def day(on: date) -> str:
    """2026年12月4日."""
    return f"{on.year}年{on.month}月{on.day}日"


def moment(at: datetime, now: datetime) -> str:
    """2026年12月4日14:30."""
    there = local(at, now)
    return f"{day(there.date())}{there:%H:%M}"


def span(facts: ActivityFacts, now: datetime) -> str:
    """2026年12月4日（周五）14:30 至 16:05; what nobody told is a blank: the planned end is no fact."""
    starts = local(facts.starts_at, now)
    on = f"{day(starts.date())}（周{WEEKDAYS[starts.weekday()]}）"
    if not facts.hour_known:
        return f"{on}{BLANK}"
    return f"{on}{starts:%H:%M} 至 {f'{local(facts.ends_at, now):%H:%M}' if facts.ends_at else BLANK}"


def people_count(count: int | None) -> str:
    """12 人, or a blank."""
    return f"{BLANK} 人" if count is None else f"{count} 人"
