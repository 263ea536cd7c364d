"""Filling an Excel template: {{字段}} in any cell, and one row with {{项.字段}} that is repeated for each item. No code runs in it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from copy import copy
from math import ceil
from typing import TYPE_CHECKING, Any

from bot.documents import template
from bot.documents.template import Templates
from bot.documents.words import clean

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

ITEM = "项."
LINE, PADDING = 15.0, 6.0
"""The height of a line, and what a row has besides, in points."""
USUAL_WIDTH = 8.43
"""The width of a column that has none of its own, in characters."""
_FIELD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

Value = str | int | None
Fields = Mapping[str, Value]


class Faulty(ValueError):
    """What is wrong with a template, in words for its maker."""


def filled(templates: Templates, name: str, fields: Fields, items: Sequence[Fields]) -> bytes:
    """The Excel template ``name`` with the fields, and a row for each item; the keys of an item have no ``项.`` in front.

    :class:`~bot.documents.template.BrokenTemplate` for a branch's own that is damaged, names a field that does not exist, or has no row or
    several rows for items. What stands below that row moves down.
    """
    return template.filled(templates, f"{name}.xlsx", lambda data: _render(data, fields, items), _told)


def _render(data: bytes, fields: Fields, items: Sequence[Fields]) -> bytes:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data))
    rows = [(sheet, row) for sheet in book.worksheets for row in _item_rows(sheet)]
    if len(rows) != 1:
        raise Faulty(f"要有一行、且只有一行放 {{{{{ITEM}日期}}}} 这样的字段，现在有 {len(rows)} 行")
    for sheet in book.worksheets:
        sheet.title = str(_put_in(sheet.title, fields))
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            if _has_field(cell) and (sheet, cell.row) != rows[0]:
                _write(cell, fields)
    # Last, because what people wrote is not searched for fields.
    _repeat(*rows[0], fields, items)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _has_field(cell: Any) -> bool:
    return isinstance(cell.value, str) and _FIELD.search(cell.value) is not None


def _item_rows(sheet: Worksheet) -> list[int]:
    return [
        number
        for number, row in enumerate(sheet.iter_rows(), 1)
        if any(name.startswith(ITEM) for cell in row for name in _FIELD.findall(str(cell.value or "")))
    ]


def _repeat(sheet: Worksheet, number: int, fields: Fields, items: Sequence[Fields]) -> None:
    """The row once for each item, like it in everything but the words; without items it goes."""
    across = [area for area in sheet.merged_cells.ranges if area.min_row == area.max_row == number]
    for area in across:
        sheet.unmerge_cells(area.coord)
    pattern: list[Any] = [copy(cell) for cell in sheet[number]]
    least = sheet.row_dimensions[number].height or 0.0
    _move(sheet, number + 1, len(items) - 1)
    for row, item in enumerate(items, number):
        values = {**fields, **{f"{ITEM}{key}": value for key, value in item.items()}}
        for like in pattern:
            cell: Any = sheet.cell(row, like.column, like.value)
            cell._style = copy(like._style)
            if _has_field(cell):
                _write(cell, values)
        sheet.row_dimensions[row].height = max(least, LINE * _lines(sheet, row) + PADDING)
        for area in across:
            sheet.merge_cells(None, row, area.min_col, row, area.max_col)


def _move(sheet: Worksheet, first: int, by: int) -> None:
    """Move all from a row on, with heights and merged cells, which openpyxl leaves behind; ``by`` -1 drops the row before it."""
    from openpyxl.utils import get_column_letter

    last = sheet.max_row
    heights = {row: sheet.row_dimensions[row].height for row in range(first, last + 1)}
    below = [area for area in sheet.merged_cells.ranges if area.min_row >= first]
    for area in below:
        sheet.unmerge_cells(area.coord)
    if by < 0:
        sheet.delete_rows(first - 1)
    elif first <= last:
        sheet.move_range(f"A{first}:{get_column_letter(sheet.max_column)}{last}", rows=by)
    for area in below:
        area.shift(row_shift=by)
        sheet.merge_cells(area.coord)
    for row, height in heights.items():
        sheet.row_dimensions[row + by].height = height


def _write(cell: Any, fields: Fields) -> None:
    """Fill a cell. A text stays a text whatever it begins with: it is stored as one, and marked so that editing it makes no formula."""
    value = _put_in(str(cell.value), fields)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.quotePrefix = value[:1] in ("=", "+", "-", "@", "\t", "\n", "'")


def _put_in(text: str, fields: Fields) -> Value:
    """The text with its fields filled; a cell with nothing but a field takes its value, so that a number stays one."""
    whole = _FIELD.fullmatch(text)
    if whole:
        value = _value(whole[1], fields)
        return clean(value) if isinstance(value, str) else value
    return clean(_FIELD.sub(lambda found: _text(_value(found[1], fields)), text))


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _value(name: str, fields: Fields) -> Value:
    if name not in fields:
        raise Faulty(f"有不认识的字段（{name[:20]}）")
    return fields[name]


def _lines(sheet: Worksheet, row: int) -> int:
    """How many lines the longest text of a row takes; a Chinese character is two columns wide."""
    from openpyxl.utils import get_column_letter

    longest = 1
    for cell in sheet[row]:
        if not isinstance(cell.value, str):
            continue
        width = sheet.column_dimensions[get_column_letter(cell.column)].width or USUAL_WIDTH
        columns = sum(1 if ord(letter) < 256 else 2 for letter in cell.value)
        longest = max(longest, ceil(columns / max(width - 1, 1)))
    return longest


def _told(error: Exception) -> str:
    """What is wrong in one line that the maker of the template can use."""
    from zipfile import BadZipFile

    from openpyxl.utils.exceptions import InvalidFileException

    if isinstance(error, (BadZipFile, KeyError, InvalidFileException)):
        return "不是完好的 Excel 文件（.xlsx）"
    return template.in_a_line(error)
