"""积分表: a quarter of a branch as the secretary sees it, Excel; by group and roster, never by points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.documents import table
from bot.documents.words import moment
from bot.services.point_table import Row


def workbook(branch: str, period: str, names: Sequence[str], rows: Sequence[Row], now: datetime) -> bytes:
    """One row for each member with points by dimension up to the caps. No cell is a formula, whatever a group is called."""
    book = table.new_book()
    sheet: Any = book.create_sheet("积分表")
    for letter in "ABCDEFGHIJ":
        sheet.column_dimensions[letter].width = 16
    about = f"{branch}{period}积分表，{moment(now, now)}导出。按名册顺序，不排名次；还没有公示。"
    for row in (
        (about,),
        ("党小组", "姓名", *names, "合计"),
        *((one.group, one.name, *one.dimensions, one.total) for one in rows),
    ):
        sheet.append([table.cell(sheet, value) for value in row])
    return table.saved(book)
