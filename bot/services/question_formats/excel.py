"""Excel files (.xlsx) with the columns of the common template: read by calamine, written by openpyxl."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.services.question_formats import Reading, Row, Unreadable, archive
from bot.services.question_formats.table import COLUMNS, HEADER_WITHIN, NAMES, rows_of
from bot.services.question_formats.table import parse as parse_table
from content.questions import Question

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

COMPUTED = "表里有公式：只读存着的结果，没有结果的格子当作空的。最好先复制，再选择性粘贴为“数值”。"
# Columns that people merge to say "the same for all these rows".
_SHARED = frozenset({"题型", "出处", "主题", "难度", "板块"})
# Excel reads _x0041_ in a text as the character 0x41.
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_WIDTHS = {"编号": 18, "题干": 50, "解析": 40, "出处": 30}


def parse(raw: bytes) -> Reading:
    """The rows of every visible sheet that has the template's header; hidden sheets are left out, and a note says so."""
    from python_calamine import CalamineError, CalamineWorkbook

    computed = archive.check(raw, "xl/workbook.xml")
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            reading = _read(book)
            return replace(reading, notes=(*reading.notes, COMPUTED)) if computed else reading
    except (CalamineError, ValueError) as error:
        raise Unreadable(why="不是完好的 Excel 文件（.xlsx）") from error


def write(questions: Iterable[Question]) -> bytes:
    """A workbook with one sheet; no cell is a formula, whatever a question says."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("题目")
    sheet.freeze_panes = "A2"
    for place, name in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(name, 10)
    for cells in rows_of(questions):
        sheet.append([_ESCAPE.sub("_x005F_", cell) for cell in cells])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _read(book: CalamineWorkbook) -> Reading:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    known = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [sheet.name for sheet in known if sheet.visible == SheetVisibleEnum.Visible]
    notes = [f"隐藏的工作表“{sheet.name}”没有读。" for sheet in known if sheet.name not in shown]
    rows: list[Row] = []
    refused: list[Unreadable] = []
    for name in shown:
        try:
            rows += parse_table(_lines(book.get_sheet_by_name(name)))
        except Unreadable as problem:
            refused.append(problem)
            notes.append(f"工作表“{name}”没有读：{str(problem).partition('：')[2]}")
    if len(refused) == len(shown):
        raise refused[0] if refused else Unreadable(why="文件里没有看得见的工作表")
    if len(shown) > 1:
        notes.append("有几张工作表，行号按各表自己的行数。")
    return Reading(rows, tuple(notes))


def _lines(sheet: CalamineSheet) -> Iterator[tuple[int, list[Any]]]:
    table = sheet.to_python(skip_empty_area=False)
    if not any(any(cell != "" for cell in cells) for cells in table[:HEADER_WITHIN]):
        raise Unreadable(why="表格是空的")
    _fill_merged(table, sheet)
    yield from enumerate(table, 1)


def _fill_merged(table: list[list[Any]], sheet: CalamineSheet) -> None:
    """Give every row of a merged cell the cell's value, in the columns where that is meant."""
    ranges = sheet.merged_cell_ranges or []
    if not ranges:
        return
    shared = {
        place
        for cells in table[:HEADER_WITHIN]
        for place, cell in enumerate(cells)
        if NAMES.get(str(cell).strip()) in _SHARED
    }
    for (top, left), (bottom, _) in ranges:
        if left in shared:
            for line in table[top + 1 : bottom + 1]:
                line[left] = table[top][left]
