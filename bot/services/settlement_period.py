"""Months and quarters that are settled: their names, their days, and how people say them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from bot.errors import Refusal
from bot.services.point_setting import MONTH


class NoSuchPeriod(Refusal):
    text = "没看懂是哪一期。可以写：三季度、2026年三季度、10月"


@dataclass(frozen=True, slots=True)
class Period:
    """A month ("2026-10") or a quarter ("2026Q3"); both days count."""

    name: str
    starts_on: date
    ends_on: date


def title(name: str) -> str:
    """2026年第3季度, 2026年10月."""
    year, quarter, number = name.partition("Q") if "Q" in name else name.partition("-")
    return f"{year}年第{number}季度" if quarter == "Q" else f"{year}年{int(number)}月"


def month(year: int, number: int) -> Period:
    """A calendar month."""
    first = date(year, number, 1)
    after = date(year + number // 12, number % 12 + 1, 1)
    return Period(f"{year}-{number:02}", first, after - timedelta(days=1))


def quarter(year: int, number: int) -> Period:
    """A calendar quarter."""
    return Period(f"{year}Q{number}", date(year, 3 * number - 2, 1), month(year, 3 * number).ends_on)


def last_ended(every: str, today: date) -> Period:
    """The newest month or quarter that is over."""
    if every == MONTH:
        end = today.replace(day=1) - timedelta(days=1)
        return month(end.year, end.month)
    first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    end = first - timedelta(days=1)
    return quarter(end.year, (end.month + 2) // 3)


_QUARTER = re.compile(r"第?\s*([1-4一二三四])\s*季度?|[Qq]([1-4])")
_MONTH = re.compile(r"(1[0-2]|0?[1-9])\s*(?P<word>月份?)?")


def named(text: str, today: date) -> Period:
    """The period that a text means; without a year the last such one that has begun. :class:`NoSuchPeriod` otherwise."""
    year, rest = re.fullmatch(r"(?:(20\d\d)[\s年\-.]*)?(.*)", text.strip()).groups()  # type: ignore[union-attr]
    years = (int(year),) if year else (today.year, today.year - 1)
    by_quarter, by_month = _QUARTER.fullmatch(rest), _MONTH.fullmatch(rest)
    if by_quarter:
        number = "1234一二三四".index(by_quarter[1] or by_quarter[2]) % 4 + 1
        found = [quarter(one, number) for one in years]
    elif by_month and (year or by_month["word"]):
        found = [month(one, int(by_month[1])) for one in years]
    else:
        raise NoSuchPeriod
    return next((one for one in found if one.starts_on <= today), found[0])
