"""关键任务台账: one row for each task of a year, Excel. No cell is a formula, whatever a task is called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.documents import table
from bot.documents.words import moment
from bot.services.key_task_ledger import Entry, Ledger
from bot.times import local

HEADS = (
    ("编号", 10), ("任务", 36), ("类别", 12), ("负责人", 12), ("期限", 12), ("状态", 12), ("进度", 8), ("报完成", 12), ("确认或取消", 12),
    ("办理人", 12), ("最近情况", 48), ("服务任务的活动", 16),
)  # fmt: skip


def workbook(ledger: Ledger, now: datetime) -> bytes:
    """The tasks in the order of their numbers, as the bytes of a workbook."""
    rows = [_row(entry, now) for entry in ledger.entries]
    note = f"{ledger.branch}，期限在{ledger.year}年内的关键任务 {len(rows)} 项。{moment(now, now)}导出。"
    book = table.new_book()
    table.add_sheet(book, "关键任务", HEADS, [*rows, ()], (note,))
    return table.saved(book)


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
