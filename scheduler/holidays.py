"""A year whose holidays are not in the table yet: the admins are told once, in December for the coming year."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.services import outbox, setting
from scheduler.alarm import operators
from scheduler.runner import Jobs, Node

log = logging.getLogger("zhibu.holidays")
jobs = Jobs()


@jobs.cron("holidays", day_of_week="mon", hour="9", minute="11", catch_up=timedelta(days=6))
def look(node: Node, now: datetime) -> None:
    """Tell of each missing year once; until it is there, working days are Monday to Friday."""
    for year in setting.missing_years(now.date()):
        log.warning(
            "no holidays for %d; working days are Monday to Friday until ZHIBU_HOLIDAYS names them", year
        )
        text = (
            f"{year}年放假安排还没有录入，工作日先按周一至周五判断。\n"
            f"国务院办公厅的通知发布后，请管理员在放假表里补上（设置 ZHIBU_HOLIDAYS，见说明），再重启服务。"
        )
        with node.database.write() as session:
            outbox.push(session, operators(session, now), text, key=f"holidays {year} missing", now=now)
