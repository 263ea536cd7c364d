"""The holiday table: boundary days of the shipped years, years without data, and tables that need mending."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from content import ROOT, ContentError, holidays
from content.holidays import Calendar

YEAR = 'year = 2026\nsource = "《通知》"\n'


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return holidays.load()


def read(folder: Path, text: str) -> Calendar:
    path = folder / "holidays.toml"
    path.write_text(text, encoding="utf-8")
    return holidays.load(path)


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2025, 1, 26), "调休上班日"),  # Sunday before Spring Festival
        (date(2025, 1, 27), "工作日"),
        (date(2025, 1, 28), "法定节假日"),  # New Year's Eve, a holiday since 2025
        (date(2025, 10, 8), "法定节假日"),
        (date(2025, 10, 11), "调休上班日"),
        (date(2025, 12, 31), "工作日"),
        (date(2026, 1, 1), "法定节假日"),
        (date(2026, 1, 4), "调休上班日"),
        (date(2026, 2, 14), "调休上班日"),
        (date(2026, 2, 15), "法定节假日"),
        (date(2026, 2, 23), "法定节假日"),
        (date(2026, 2, 24), "工作日"),
        (date(2026, 5, 9), "调休上班日"),
        (date(2026, 10, 7), "法定节假日"),
        (date(2026, 10, 8), "工作日"),
        (date(2026, 12, 4), "工作日"),
        (date(2026, 12, 5), "周六为休息日"),
        (date(2026, 12, 6), "周日为休息日"),
    ],
)
def test_a_day_is_named_as_the_notice_has_it(calendar: Calendar, day: date, kind: str) -> None:
    assert calendar.day_kind(day) == kind
    assert calendar.is_workday(day) == (kind in {"工作日", "调休上班日"})


@pytest.mark.parametrize(("year", "off", "work"), [(2025, 28, 5), (2026, 33, 6)])
def test_the_shipped_years_are_whole(calendar: Calendar, year: int, off: int, work: int) -> None:
    assert sum(day.year == year for day in calendar.off) == off
    assert sum(day.year == year for day in calendar.work) == work


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # a Saturday on which people work
        (date(2026, 2, 14), 1, date(2026, 2, 24)),  # over nine days of Spring Festival
        (date(2026, 9, 30), 5, date(2026, 10, 13)),  # five days of public notice over National Day
        (date(2026, 12, 4), 1, date(2026, 12, 7)),
        (date(2026, 12, 5), 1, date(2026, 12, 7)),
        (date(2026, 12, 31), 1, date(2027, 1, 1)),  # 2027 is not known yet: Monday–Friday
    ],
)
def test_working_days_are_counted_after_the_day(
    calendar: Calendar, day: date, count: int, expected: date
) -> None:
    assert calendar.next_workday(day, count) == expected


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(calendar: Calendar, count: int) -> None:
    with pytest.raises(ValueError, match="count"):
        calendar.next_workday(date(2026, 12, 4), count)


@pytest.mark.parametrize("year", [1999, 2024, 2027, 2100])
def test_a_missing_year_falls_back_to_monday_to_friday(calendar: Calendar, year: int) -> None:
    assert not calendar.has_data(year)
    week = [date.fromisocalendar(year, 20, weekday) for weekday in range(1, 8)]
    assert [calendar.is_workday(day) for day in week] == [True] * 5 + [False] * 2
    assert calendar.day_kind(date(year, 1, 1)) != "法定节假日"


def test_the_shipped_years_have_data(calendar: Calendar) -> None:
    assert [year for year in (2025, 2026) if not calendar.has_data(year)] == []


def test_nothing_is_frozen_as_shipped(calendar: Calendar) -> None:
    assert calendar.frozen(date(2026, 7, 20)) == ""


def test_a_freeze_holds_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    calendar = read(tmp_path, '[[freeze]]\nfrom = 2026-07-15\nto = 2026-08-31\nreason = "迎峰度夏"')
    days = (date(2026, 7, 14), date(2026, 7, 15), date(2026, 8, 31), date(2026, 9, 1))
    assert [calendar.frozen(day) for day in days] == ["", "迎峰度夏", "迎峰度夏", ""]


def test_the_commented_example_works_as_it_stands(tmp_path: Path) -> None:
    text = (ROOT / "holidays.toml").read_text("utf-8")
    example = text[text.index("# [[freeze]]") :].replace("# ", "")
    assert read(tmp_path, example).frozen(date(2026, 8, 1)) == "迎峰度夏保供电"


def test_an_empty_table_is_monday_to_friday(tmp_path: Path) -> None:
    calendar = read(tmp_path, "")
    assert not calendar.has_data(2026)
    assert calendar.is_workday(date(2026, 10, 1))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[year]]\nyear = 2026", "2026年.*四项"),
        ("[[year]]\noff = []", r"\?年.*四项"),
        ("year = 2026", r"\[\[year\]\]"),
        (f"[[year]]\n{YEAR}off = [2027-01-01]\nwork = []", "2026年.*off"),
        (f'[[year]]\n{YEAR}off = ["元旦"]\nwork = []', "2026年.*off"),
        (f"[[year]]\n{YEAR}off = [2026-01-01T08:00:00]\nwork = []", "2026年.*off"),
        (f"[[year]]\n{YEAR}off = [2026-01-01, 2026-01-01]\nwork = []", "2026年.*重复"),
        (f"[[year]]\n{YEAR}off = [2026-01-04]\nwork = [2026-01-04]", "2026-01-04 既是"),
        (f"[[year]]\n{YEAR}off = []\nwork = [2026-01-05]", "2026-01-05 本来就是工作日"),
        (f"[[year]]\n{YEAR}off = []\nwork = []\n" * 2, "年份重复"),
        ('[[freeze]]\nfrom = 2026-08-31\nto = 2026-07-15\nreason = "保电"', "2026-08-31.*from"),
        ('[[freeze]]\nfrom = 2026-07-15\nto = 2026-08-31\nreason = " "', "2026-07-15.*reason"),
        ("[[freeze]]\nfrom = 2026-07-15", "三项"),
        ("holiday = 1", "holiday"),
        ("[[year", "holidays.toml"),
    ],
)
def test_a_bad_table_says_what_to_mend(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ContentError, match=complaint):
        read(tmp_path, text)
