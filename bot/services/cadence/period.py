"""Months, quarters, half years and years: first and last day, the one before, and what they are called."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
THIS = {"month": "本月", "quarter": "本季度", "half": "本半年", "year": "今年"}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """First and last day, both inclusive."""

    first: date
    last: date
    per: str

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def half_way(self) -> date:
        """The first day of the second half."""
        return self.first + (self.last - self.first + timedelta(days=1)) / 2

    @property
    def code(self) -> str:
        """How it is named in keys: 2026-11, 2026Q4, 2026H2, 2026."""
        number = (self.first.month - 1) // MONTHS[self.per] + 1
        tail = {"month": f"-{number:02}", "quarter": f"Q{number}", "half": f"H{number}", "year": ""}
        return f"{self.first.year}{tail[self.per]}"


def containing(per: str, day: date) -> Period:
    """The month, quarter, half or year in which a day lies."""
    length = MONTHS[per]
    month = (day.month - 1) // length * length + 1
    last = month + length - 1
    return Period(date(day.year, month, 1), date(day.year, last, monthrange(day.year, last)[1]), per)


def before(period: Period) -> Period:
    """The one that ended the day before."""
    return containing(period.per, period.first - timedelta(days=1))


def completed(per: str, today: date) -> Iterator[Period]:
    """The ended ones of this year, oldest first, and always the one that ended last, even if that was last year."""
    year, one = today.year, before(containing(per, today))
    found = [one]
    while (one := before(one)).first.year == year:
        found.append(one)
    yield from reversed(found)


def name(period: Period, today: date) -> str:
    """11月, 第四季度, 下半年 or 2025年; with the year where it is not this one."""
    year = "" if period.first.year == today.year else f"{period.first.year}年"
    match period.per:
        case "month":
            return f"{year}{period.first.month}月"
        case "quarter":
            return f"{year}第{'一二三四'[(period.first.month - 1) // 3]}季度"
        case "half":
            return f"{year}{'上' if period.first.month == 1 else '下'}半年"
    return f"{period.first.year}年"


def months_later(day: date, months: int) -> date:
    """The same day some months later (or earlier), the last day of the month where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
