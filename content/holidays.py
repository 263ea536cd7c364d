"""Working days, statutory holidays and freeze periods, from an editable table.

A year without data falls back to Monday–Friday and never fails: new years are published late, and a missing table
must not stop the product each January.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, read_toml

SATURDAY, SUNDAY = 5, 6
KEYS = frozenset({"year", "freeze"})
YEAR_KEYS = frozenset({"year", "source", "off", "work"})
FREEZE_KEYS = frozenset({"from", "to", "reason"})


@dataclass(frozen=True, slots=True)
class Freeze:
    """A period, first and last day inclusive, in which pushes and drills pause, such as 迎峰度夏 or 保电."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Holidays, make-up working days and the years for which both are known."""

    off: frozenset[date]
    work: frozenset[date]
    years: frozenset[int]
    freezes: tuple[Freeze, ...] = ()

    def has_data(self, year: int) -> bool:
        """Whether the year's notice stands in the table; without it the answers below are Monday–Friday."""
        return year in self.years

    def is_workday(self, day: date) -> bool:
        """Whether offices work on ``day``."""
        return day in self.work or (day.weekday() < SATURDAY and day not in self.off)

    def next_workday(self, day: date, count: int = 1) -> date:
        """The ``count``-th working day after ``day``, which itself does not count; ``ValueError`` below 1."""
        if count < 1:
            raise ValueError("count must be at least 1")
        for _ in range(count):
            day = self._first_workday_after(day)
        return day

    def day_kind(self, day: date) -> str:
        """What the day is, in the words that a preview shows, such as 法定节假日 or 周六为休息日."""
        if day in self.off:
            return "法定节假日"
        if day in self.work:
            return "调休上班日"
        return {SATURDAY: "周六为休息日", SUNDAY: "周日为休息日"}.get(day.weekday(), "工作日")

    def frozen(self, day: date) -> str:
        """Why pushes pause on ``day``, or an empty string."""
        return next((freeze.reason for freeze in self.freezes if freeze.first <= day <= freeze.last), "")

    def _first_workday_after(self, day: date) -> date:
        day += timedelta(days=1)
        while not self.is_workday(day):
            day += timedelta(days=1)
        return day


def load(path: Path = ROOT / "holidays.toml") -> Calendar:
    """The shipped or an operator's table; :class:`ContentError` says which year or period to mend."""
    data = read_toml(path)
    _require(data.keys() <= KEYS, path.name, f"不认识的项：{sorted(data.keys() - KEYS)}")
    years = [
        _checked_year(f"{path.name} 第{_line_of(path, 'year', n)}行", table)
        for n, table in enumerate(_tables(path.name, data, "year"))
    ]
    numbers = [table["year"] for table in years]
    _require(len(set(numbers)) == len(numbers), path.name, f"年份重复：{numbers}")
    return Calendar(
        off=frozenset(day for table in years for day in table["off"]),
        work=frozenset(day for table in years for day in table["work"]),
        years=frozenset(numbers),
        freezes=tuple(
            _read_freeze(f"{path.name} 第{_line_of(path, 'freeze', n)}行", table)
            for n, table in enumerate(_tables(path.name, data, "freeze"))
        ),
    )


def _line_of(path: Path, key: str, number: int) -> int:
    """The line on which the table ``number`` (from 0) of that name begins."""
    text = path.read_text(encoding="utf-8")
    heads = [found.start() for found in re.finditer(rf"^[ \t]*\[\[\s*{key}\s*\]\]", text, re.M)]
    return text.count("\n", 0, heads[number]) + 1 if number < len(heads) else 1


def _tables(name: str, data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    tables = data.get(key, [])
    is_list = isinstance(tables, list) and all(isinstance(table, dict) for table in tables)
    _require(is_list, name, f"请写成 [[{key}]]")
    return list(tables)


def _checked_year(name: str, table: dict[str, Any]) -> dict[str, Any]:
    where = f"{name} {table.get('year', '?')}年"
    for complaint in _year_complaints(table):
        raise ContentError(where, complaint)
    return table


def _year_complaints(table: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one year, the first thing first; later checks rely on earlier ones."""
    if table.keys() != YEAR_KEYS or not isinstance(table["year"], int):
        yield "要有 year、source、off、work 四项"
        return
    for key in ("off", "work"):
        days = table[key]
        if not isinstance(days, list) or not all(_is_day(day) and day.year == table["year"] for day in days):
            yield f"{key}：只写这一年的日期"
            return
        if len(set(days)) != len(days):
            yield f"{key}：日期重复"
    if not str(table["source"]).strip():
        yield "source：写明通知名称"
    if both := set(table["off"]) & set(table["work"]):
        yield f"{min(both)} 既是休息日又是上班日"
    if weekdays := [day for day in table["work"] if day.weekday() < SATURDAY]:
        yield f"{weekdays[0]} 本来就是工作日，调休上班日只能是周六、周日"


def _read_freeze(name: str, table: dict[str, Any]) -> Freeze:
    _require(table.keys() == FREEZE_KEYS, name, f"freeze 要有 from、to、reason 三项：{table}")
    first, last, reason = table["from"], table["to"], table["reason"]
    _require(_is_day(first) and _is_day(last) and first <= last, name, f"freeze {first}：from 不能晚于 to")
    _require(isinstance(reason, str) and bool(reason.strip()), name, f"freeze {first}：reason 写明原因")
    return Freeze(first, last, reason.strip())


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _require(fine: bool, where: str, what: str) -> None:
    if not fine:
        raise ContentError(where, what)
