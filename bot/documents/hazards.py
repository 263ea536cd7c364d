"""隐患台账: one row for each hazard of a year, Excel. No cell is a formula, whatever stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.documents import table
from bot.documents.words import moment
from bot.services.hazard_table import Row, Table
from bot.times import local

HEADS = (
    ("编号", 8),
    ("报告时间", 18),
    ("报告人", 10),
    ("隐患", 40),
    ("地点", 18),
    ("级别", 8),
    ("整改人", 10),
    ("整改期限", 12),
    ("整改情况", 40),
    ("整改时间", 18),
    ("复查情况", 40),
    ("销号时间", 18),
    ("状态", 18),
)


def workbook(facts: Table, now: datetime) -> bytes:
    """One sheet as the bytes of a workbook."""
    note = f"{facts.branch}，{facts.year}年报告的隐患 {len(facts.rows)} 处。{moment(now, now)}导出，不含报告人自己撤回的。"
    book = table.new_book()
    table.add_sheet(book, "隐患台账", HEADS, (_cells(row, now) for row in facts.rows), (note,))
    return table.saved(book)


def _cells(row: Row, now: datetime) -> Sequence[str]:
    return (
        f"YH{row.number}",
        _moment(row.at, now),
        row.reporter,
        row.text,
        row.place,
        row.level,
        row.owner,
        row.due_on.isoformat() if row.due_on else "",
        row.fixed,
        _moment(row.fixed_at, now),
        "；".join(row.checks),
        _moment(row.closed_at, now),
        row.standing,
    )


def _moment(at: datetime | None, now: datetime) -> str:
    return f"{local(at, now):%Y-%m-%d %H:%M}" if at else ""
