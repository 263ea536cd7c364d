"""操作记录: one row for each act, Excel. No cell is a formula, whatever stands in it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.documents.words import clean
from bot.services.audit import CHANNELS, Act
from bot.times import local

HEADS = (("时间", 20), ("办理人", 12), ("事项", 16), ("对象", 12), ("支部", 22), ("渠道", 12), ("说明", 60))


def workbook(acts: Iterable[Act], now: datetime) -> bytes:
    """The acts in the order given, as the bytes of a workbook."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("操作记录")
    sheet.freeze_panes = "A2"
    for number, (_, width) in enumerate(HEADS):
        sheet.column_dimensions["ABCDEFG"[number]].width = width

    def text(value: str) -> Any:
        cell = WriteOnlyCell(sheet, value=clean(value))
        cell.data_type = "s"
        return cell

    sheet.append([text(head) for head, _ in HEADS])
    for act in acts:
        sheet.append([text(value) for value in _row(act, now)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _row(act: Act, now: datetime) -> tuple[str, ...]:
    entry = act.entry
    at = f"{local(entry.at, now):%Y-%m-%d %H:%M:%S}"
    channel = CHANNELS.get(entry.channel, entry.channel)
    return at, act.actor, entry.act, act.subject, act.branch, channel, entry.detail
