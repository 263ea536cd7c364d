"""操作记录: one row for each act, Excel. No cell is a formula, whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.documents import table
from bot.services.audit import CHANNELS, Act
from bot.times import local

HEADS = (("时间", 20), ("办理人", 12), ("事项", 16), ("对象", 12), ("支部", 22), ("渠道", 12), ("说明", 60))


def workbook(acts: Iterable[Act], now: datetime) -> bytes:
    """The acts in the order given, as the bytes of a workbook."""
    book = table.new_book()
    table.add_sheet(book, "操作记录", HEADS, (_row(act, now) for act in acts), bold=False)
    return table.saved(book)


def _row(act: Act, now: datetime) -> tuple[str, ...]:
    entry = act.entry
    at = f"{local(entry.at, now):%Y-%m-%d %H:%M:%S}"
    channel = CHANNELS.get(entry.channel, entry.channel)
    return at, act.actor, entry.act, act.subject, act.branch, channel, entry.detail
