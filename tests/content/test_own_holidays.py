"""An installation's own table of holidays: over the shipped one, as TOML or a sheet, with the line to mend when it is wrong."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from content import ContentError, own_holidays

OWN = """\
[[year]]
year = 2027
source = "《国务院办公厅关于2027年部分节假日安排的通知》"
off = [2027-01-01]
work = [2027-01-09]

[[year]]
year = 2026
source = "本单位安排"
off = [2026-10-08]
work = []

[[freeze]]
from = 2027-07-01
to = 2027-08-31
reason = "迎峰度夏"
"""


def toml(folder: Path, text: str) -> Path:
    path = folder / "holidays.toml"
    path.write_text(text, encoding="utf-8")
    return path


def sheet(folder: Path, *rows: tuple[Any, ...], heads: tuple[str, ...] = ("日期", "安排")) -> Path:
    path = folder / "放假安排.xlsx"
    book = openpyxl.Workbook()
    for row in (heads, *rows):
        book.active.append(row)
    book.save(path)
    return path


def test_own_years_stand_over_the_shipped_ones_and_others_stay(tmp_path: Path) -> None:
    calendar = own_holidays.load(toml(tmp_path, OWN))
    assert calendar.day_kind(date(2027, 1, 1)) == "法定节假日"
    assert calendar.day_kind(date(2027, 1, 9)) == "调休上班日"
    assert calendar.day_kind(date(2026, 10, 8)) == "法定节假日"
    assert calendar.day_kind(date(2026, 10, 1)) == "工作日", "the own year replaces the whole shipped one"
    assert calendar.day_kind(date(2026, 1, 4)) == "周日为休息日"
    assert calendar.day_kind(date(2025, 10, 1)) == "法定节假日", (
        "a year that the own file leaves out is as shipped"
    )
    assert calendar.frozen(date(2027, 8, 31)) == "迎峰度夏"
    assert [year for year in (2025, 2026, 2027) if not calendar.has_data(year)] == []


def test_without_an_own_file_it_is_the_shipped_one() -> None:
    assert own_holidays.load(None).day_kind(date(2026, 10, 1)) == "法定节假日"


def test_a_sheet_says_the_same(tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        (datetime(2027, 1, 1), "放假"),  # noqa: DTZ001  (a sheet has no zone)
        ("2027-01-02", "休"),
        ("2027年1月9日", "上班"),
        (20270210, "放假"),
        (None, None),
        ("2027/2/6", "补班"),
    )
    calendar = own_holidays.load(path)
    off = [day for day in sorted(calendar.off) if day.year == 2027]
    assert off == [date(2027, 1, 1), date(2027, 1, 2), date(2027, 2, 10)]
    assert [day for day in sorted(calendar.work) if day.year == 2027] == [date(2027, 1, 9), date(2027, 2, 6)]
    assert calendar.has_data(2027)


def test_columns_may_stand_in_any_order_with_others_between(tmp_path: Path) -> None:
    path = sheet(tmp_path, ("放假", "元旦", "2027-01-01"), heads=("安排", "说明", "日期"))
    assert date(2027, 1, 1) in own_holidays.load(path).off


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("元旦", "放假"), "第3行.*日期看不懂“元旦”"),
        (("2027-02-30", "放假"), "第3行.*日期看不懂"),
        (("2027-02-01", "随便"), "第3行.*安排看不懂“随便”"),
        (("2027-02-01", None), "第3行.*安排看不懂"),
        (("2027-01-01", "放假"), "第3行.*和第2行重复"),
        (("2027-01-04", "上班"), "第3行.*本来就是工作日"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ContentError, match=complaint):
        own_holidays.load(sheet(tmp_path, ("2027-01-01", "放假"), row))


def test_a_sheet_without_the_columns_or_without_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"第1行.*缺少列：日期、安排"):
        own_holidays.load(sheet(tmp_path, heads=("天", "地")))
    with pytest.raises(ContentError, match="没有日期"):
        own_holidays.load(sheet(tmp_path))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("\n\n[[year]\n", "line 3"),
        (OWN.replace("off = [2026-10-08]", "off = [2027-10-08]"), "第7行 2026年.*只写这一年"),
        (OWN.replace("to = 2027-08-31", "to = 2027-06-30"), "第13行.*from 不能晚于 to"),
    ],
)
def test_a_bad_toml_names_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ContentError, match=complaint):
        own_holidays.load(toml(tmp_path, text))


@pytest.mark.parametrize("name", ["nowhere.toml", "nowhere.xlsx"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContentError, match=f"{name}.*打不开"):
        own_holidays.load(tmp_path / name)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "holidays.csv"
    path.write_text("日期,安排\n")
    with pytest.raises(ContentError, match=r"\.toml 和 \.xlsx"):
        own_holidays.load(path)


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "holidays.xlsx"
    path.write_bytes(b"PK no sheet")
    with pytest.raises(ContentError, match="打不开"):
        own_holidays.load(path)
