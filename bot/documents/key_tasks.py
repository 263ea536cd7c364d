"""关键任务台账: one row for each task of a year, Excel. No cell is a formula, whatever a task is called."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.documents.words import clean, moment
from bot.services.key_task_ledger import Entry, Ledger
from bot.times import local

HEADS = (
    ("编号", 10), ("任务", 36), ("类别", 12), ("负责人", 12), ("期限", 12), ("状态", 12), ("进度", 8), ("报完成", 12), ("确认或取消", 12),
    ("办理人", 12), ("最近情况", 48), ("服务任务的活动", 16),
)  # fmt: skip


def workbook(ledger: Ledger, now: datetime) -> bytes:
    """The tasks in the order of their numbers, as the bytes of a workbook."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("关键任务")
    sheet.freeze_panes = "A2"
    for number, (_, width) in enumerate(HEADS, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width

    def cell(value: Any, *, bold: bool = False) -> Any:
        made = WriteOnlyCell(sheet, value=clean(value) if isinstance(value, str) else value)
        if isinstance(value, str):
            made.data_type = "s"
        made.font = Font(bold=bold)
        return made

    sheet.append([cell(head, bold=True) for head, _ in HEADS])
    for entry in ledger.entries:
        sheet.append([cell(value) for value in _row(entry, now)])
    sheet.append([])
    note = f"{ledger.branch}，期限在{ledger.year}年内的关键任务 {len(ledger.entries)} 项。{moment(now, now)}导出。"
    sheet.append([cell(note)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _row(entry: Entry, now: datetime) -> Sequence[Any]:
    task, row = entry.task, entry.task.row
    decided = local(row.decided_at, now).date().isoformat() if row.decided_at else None
    return (
        task.code,
        row.name,
        row.category or None,
        task.owner.name,
        row.due_on.isoformat(),
        task.light,
        f"{row.progress}%",
        row.reported_on.isoformat() if row.reported_on else None,
        decided,
        entry.decided_by or None,
        entry.news or None,
        entry.activities or None,
    )
