"""A branch's or company's own table of holidays beside the shipped one: TOML like content/holidays.toml, or a sheet with the columns 日期 and 安排.

A year in it replaces the shipped year, and other shipped years stay; freeze periods are added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from content import ContentError, holidays
from content.holidays import SATURDAY, Calendar

COLUMNS = ("日期", "安排")
OFF = frozenset({"放假", "休", "休息", "节假日", "法定节假日"})
WORK = frozenset({"上班", "班", "补班", "调休上班", "调休上班日"})
FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d", "%Y%m%d")


def load(own: Path | None) -> Calendar:
    """The shipped table, with the operator's own file over it; :class:`ContentError` names the file, the line and what to mend."""
    shipped = holidays.load()
    return shipped if own is None else _over(shipped, _read(own))


def _read(path: Path) -> Calendar:
    if path.suffix.lower() == ".xlsx":
        return _sheet(path)
    if path.suffix.lower() != ".toml":
        raise ContentError(path.name, "只认识 .toml 和 .xlsx 两种文件")
    try:
        return holidays.load(path)
    except OSError as error:
        raise ContentError(str(path), f"打不开（{error.strerror}）") from None


def _over(shipped: Calendar, own: Calendar) -> Calendar:
    def days(old: frozenset[date], new: frozenset[date]) -> frozenset[date]:
        return frozenset(day for day in old if day.year not in own.years) | new

    return Calendar(
        off=days(shipped.off, own.off),
        work=days(shipped.work, own.work),
        years=shipped.years | own.years,
        freezes=(*shipped.freezes, *own.freezes),
    )


def _sheet(path: Path) -> Calendar:
    """The first sheet. A year counts as known as soon as one of its days stands there."""
    kinds: dict[date, bool] = {}
    lines: dict[date, int] = {}
    for number, (said, kind) in _rows(path):
        where = f"{path.name} 第{number}行"
        on = _day(said)
        if on is None:
            raise ContentError(where, f"日期看不懂“{said}”，请写成 2027-01-01")
        if kind not in OFF | WORK:
            raise ContentError(where, f"安排看不懂“{kind}”，请写 放假 或 上班")
        if on in kinds:
            raise ContentError(where, f"{on} 和第{lines[on]}行重复")
        if kind in WORK and on.weekday() < SATURDAY:
            raise ContentError(where, f"{on} 本来就是工作日，调休上班日只能是周六、周日")
        kinds[on], lines[on] = kind in OFF, number
    if not kinds:
        raise ContentError(path.name, "没有日期，请在“日期”“安排”两列下面写")
    return Calendar(
        off=frozenset(on for on, off in kinds.items() if off),
        work=frozenset(on for on, off in kinds.items() if not off),
        years=frozenset(on.year for on in kinds),
    )


def _rows(path: Path) -> Iterator[tuple[int, tuple[Any, str]]]:
    """Row numbers as the sheet shows them, with the cells of both columns; rows without a date are left out."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        cells = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, IndexError, ValueError) as error:
        raise ContentError(str(path), f"打不开（{error}）") from None
    heads = defaultdict(int, {str(head).strip(): n for n, head in enumerate(cells[0] if cells else ())})
    missing = [column for column in COLUMNS if column not in heads]
    if missing:
        raise ContentError(f"{path.name} 第1行", f"缺少列：{'、'.join(missing)}")
    for number, row in enumerate(cells[1:], start=2):
        said = row[heads["日期"]]
        if str(said).strip():
            yield number, (said, str(row[heads["安排"]]).strip())


def _day(said: Any) -> date | None:
    if isinstance(said, datetime):
        return said.date()
    if isinstance(said, date):
        return said
    text = str(int(said)) if isinstance(said, float) else str(said).strip()
    for one in FORMATS:
        try:
            return datetime.strptime(text, one).date()  # noqa: DTZ007  (a day, not a moment)
        except ValueError:
            continue
    return None
