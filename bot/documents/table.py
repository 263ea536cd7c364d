"""Plain Excel tables written row by row. No cell is a formula, whatever stands in it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bot.documents.words import clean

if TYPE_CHECKING:
    from openpyxl import Workbook

Heads = Sequence[tuple[str, int]]
"""What stands over each column, and its width in characters."""


def new_book() -> Workbook:
    """A workbook without a sheet, to be written from top to bottom."""
    from openpyxl import Workbook

    return Workbook(write_only=True)


def add_sheet(
    book: Workbook,
    title: str,
    heads: Heads,
    rows: Iterable[Sequence[Any]],
    notes: Iterable[str] = (),
    *,
    bold: bool = True,
) -> None:
    """A sheet with its heads, ``bold`` or not, which stay in sight, the rows, and the notes below them, one to a row."""
    from openpyxl.utils import get_column_letter

    sheet: Any = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, (_, width) in enumerate(heads, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([cell(sheet, head, bold=bold) for head, _ in heads])
    for row in rows:
        sheet.append([cell(sheet, value) for value in row])
    for note in notes:
        sheet.append([cell(sheet, note)])


def cell(sheet: Any, value: Any, *, bold: bool = False) -> Any:
    """A cell of a sheet: a text stays a text, a number a number."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    made = WriteOnlyCell(sheet, value=clean(value) if isinstance(value, str) else value)
    if isinstance(value, str):
        made.data_type = "s"
    if bold:
        made.font = Font(bold=True)
    return made


def saved(book: Workbook) -> bytes:
    """The bytes of the file."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
