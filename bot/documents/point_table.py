"""积分表: a quarter of a branch as the secretary sees it, Excel; by group and roster, never by points."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.documents.words import clean, moment
from bot.services.point_table import Row


def workbook(branch: str, period: str, names: Sequence[str], rows: Sequence[Row], now: datetime) -> bytes:
    """One row for each member with points by dimension up to the caps. No cell is a formula, whatever a group is called."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("积分表")
    for letter in "ABCDEFGHIJ":
        sheet.column_dimensions[letter].width = 16

    def text(value: str) -> Any:
        cell = WriteOnlyCell(sheet, value=clean(value))
        cell.data_type = "s"
        return cell

    sheet.append(
        [text(f"{branch}{period}积分表，{moment(now, now)}导出。按名册顺序，不排名次；还没有公示。")]
    )
    sheet.append([text(head) for head in ("党小组", "姓名", *names, "合计")])
    for row in rows:
        sheet.append([text(row.group), text(row.name), *row.dimensions, row.total])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
