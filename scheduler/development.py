"""Tells secretaries when a probation comes to its end: a month and a week before, and on the day."""

from __future__ import annotations

from datetime import datetime

from bot.services import development, outbox
from bot.services.development import Ending
from bot.services.permission import Action, holders
from bot.services.setting import calendar
from bot.times import day
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("development", hour="8", minute="40")
def remind(node: Node, now: datetime) -> None:
    """Each stage of each probation once, on a working day; what falls on a day off is said on the next working day."""
    if not calendar().is_workday(now.date()):
        return
    with node.database.write() as session:
        for one in development.endings(session, now):
            chiefs = holders(session, Action.MANAGE_PEOPLE, one.member.branch_id, on=now.date())[:1]
            key = f"probation {one.member.id} {one.on} {one.stage}"
            outbox.push(session, [chief.id for chief in chiefs], _text(one, now), key=key, now=now)


def _text(one: Ending, now: datetime) -> str:
    name, on = one.member.name, day(one.on, now)
    rule = "（《中国共产党章程》第七条：预备期一年）"
    if one.stage == 0:
        return f"{name}的预备期到{on}已满{rule}。请按期讨论转正；通过并经上级审批后发：身份 {name} 正式党员 {one.on}"
    return f"{name}的预备期到{on}满{rule}。请提醒本人提前写转正申请，支部安排讨论。"
