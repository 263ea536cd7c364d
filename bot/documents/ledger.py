"""三会一课台账: one row for each activity of a month, Excel."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from bot.documents.words import clean, moment
from bot.services.record import ActivityFacts, MonthFacts, Presence
from bot.times import local

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

HEADS = (
    ("序号", 6),
    ("日期", 17),
    ("类别", 12),
    ("主题", 30),
    ("地点", 16),
    ("应到", 6.5),
    ("实到", 6.5),
    ("请假", 6.5),
    ("缺席", 6.5),
    ("主持人", 10),
    ("记录人", 10),
    ("积分", 6.5),
    ("备注", 28),
)
FONT = "宋体"
LINE = 15.0
"""The height of a line in points."""


def workbook(facts: MonthFacts, now: datetime) -> bytes:
    """The ledger as the bytes of a workbook."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    sheet: Worksheet = book.create_sheet(f"{facts.year}年{facts.month}月")
    _title(sheet, facts)
    for column, (head, _) in enumerate(HEADS, 1):
        _put(sheet, 2, column, head, bold=True)
    sheet.row_dimensions[2].height = LINE + 6
    for number, one in enumerate(facts.activities, 1):
        values = (number, *row(one, now))
        for column, value in enumerate(values, 1):
            _put(sheet, number + 2, column, value, left=HEADS[column - 1][0] in ("主题", "备注"))
        sheet.row_dimensions[number + 2].height = LINE * _lines(values) + 6
    _foot(sheet, len(facts.activities) + 3, facts, now)
    _page(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def row(one: ActivityFacts, now: datetime) -> tuple[str | int | None, ...]:
    """What the ledger says of an activity, without its number in the list; None where nothing is known."""
    starts = local(one.starts_at, now)
    counts = one.counts
    there = len(one.named(Presence.PRESENT))
    return (
        f"{starts:%Y-%m-%d %H:%M}" if one.hour_known else f"{starts:%Y-%m-%d}",
        one.kind,
        one.theme or None,
        one.place or None,
        counts.invited if counts else None,
        there if counts or there else None,
        counts.leave if counts else None,
        counts.absent if counts and one.ended else None,
        "、".join(one.hosts) or None,
        "、".join(one.recorders) or None,
        one.points if counts else None,
        "；".join(remarks(one)) or None,
    )


def remarks(one: ActivityFacts) -> Iterator[str]:
    """What else is recorded: the group, the tie to production, corrections, and how the record came about."""
    if one.group:
        yield one.group
    if one.production:
        yield f"结合生产：{one.production}"
    corrected = sum(person.corrected for person in one.people)
    if one.counts and corrected:
        yield f"补签 {corrected} 人"
    if one.kept_later:
        yield "补录"
    elif not one.ended:
        yield "未结束"


def _lines(values: Sequence[object]) -> int:
    """How many lines the longest text of a row takes; a Chinese character is two columns wide."""
    widths = (
        (sum(1 if ord(c) < 256 else 2 for c in str(value or "")), width)
        for value, (_, width) in zip(values, HEADS, strict=True)
    )
    return max(ceil(text / (width - 1)) or 1 for text, width in widths)


def _title(sheet: Worksheet, facts: MonthFacts) -> None:
    from openpyxl.styles import Alignment, Font

    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(HEADS))
    _put(sheet, 1, 1, f"{facts.branch}“三会一课”台账（{facts.year}年{facts.month}月）", border=False)
    sheet.cell(1, 1).font = Font(name=FONT, size=18, bold=True)
    sheet.cell(1, 1).alignment = Alignment(horizontal="center", vertical="center")
    sheet.row_dimensions[1].height = 34


def _put(
    sheet: Worksheet,
    row: int,
    column: int,
    value: Any,
    *,
    bold: bool = False,
    left: bool = False,
    border: bool = True,
) -> None:
    """Write one cell. A text stays a text whatever it begins with: it is stored as one, and marked so that editing it makes no formula."""
    from openpyxl.styles import Alignment, Border, Font, Side

    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = clean(value)
        cell.data_type = "s"
        cell.quotePrefix = cell.value[:1] in ("=", "+", "-", "@", "\t", "\n", "'")
    else:
        cell.value = value
    cell.font = Font(name=FONT, size=11, bold=bold)
    cell.alignment = Alignment(horizontal="left" if left else "center", vertical="center", wrap_text=True)
    if border:
        thin = Side(style="thin")
        cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)


def _foot(sheet: Worksheet, row: int, facts: MonthFacts, now: datetime) -> None:
    """How many, and room for signatures."""
    total = f"本月共 {len(facts.activities)} 次" if facts.activities else "本月没有记录的活动"
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=len(HEADS))
    text = f"{total}。空格处没有记录。填表人：＿＿＿＿＿＿　　审核人：＿＿＿＿＿＿　　{moment(now, now)}导出"
    _put(sheet, row, 1, text, left=True, border=False)
    sheet.row_dimensions[row].height = 30


def _page(sheet: Worksheet) -> None:
    """A4 across, one page wide, the heads repeated on every page."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.properties import PageSetupProperties

    for column, (_, width) in enumerate(HEADS, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A3"
    sheet.print_title_rows = "1:2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
