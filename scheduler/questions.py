"""How well questions ask: counted every night; once a week who can mend them is told, the author or who approves questions in the branch."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.services import item_statistics, outbox, permission
from bot.services.item_statistics import Item
from bot.services.permission import Action
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("question statistics", hour="2", minute="37", catch_up=timedelta(hours=3))
def count(node: Node, now: datetime) -> None:
    """Read all answers of a year, which may take minutes, without keeping anybody from writing; then write what was found. By day a missed night is let go."""
    with node.database.read() as session:
        counted, enough = item_statistics.count(session, now)
    with node.database.write() as session:
        item_statistics.keep(session, counted, enough, now=now)


@jobs.cron("questions", day_of_week="mon", hour="8", minute="40", catch_up=timedelta(days=2))
def flag(node: Node, now: datetime) -> None:
    """Tell each person of what needs a look, again only after thirty more answers."""
    with node.database.write() as session:
        found = item_statistics.untold(session)
        item_statistics.mark_told(session, found)
        for member_id, theirs in _by_reader(session, found, now).items():
            head = f"本周有 {len(theirs)} 道题答的人多了，建议看一看："
            tail = f"看原题请发：看题 {theirs[0].code}；全部情况请发：题目分析"
            text = "\n".join([head, *item_statistics.lines(theirs), tail])
            outbox.push(session, [member_id], text, key=f"questions {now:%G-W%V}", now=now)


def _by_reader(session: Session, found: list[Item], now: datetime) -> dict[int, list[Item]]:
    answered = item_statistics.branches_that_answered(session, [one.statistics.question_id for one in found])
    readers: dict[int, list[Item]] = defaultdict(list)
    for one in found:
        branches = [one.branch_id] if one.branch_id else answered.get(one.statistics.question_id, [])
        told = [reader for branch in branches if (reader := _reader(session, one.author_id, branch, now))]
        for member_id in dict.fromkeys(told):
            readers[member_id].append(one)
    return readers


def _reader(session: Session, author_id: int | None, branch_id: int, now: datetime) -> int | None:
    """The author while in a position to mend it, else the first who approves questions in the branch."""
    able = permission.holders(session, Action.EDIT_QUESTIONS, branch_id, on=now.date())
    heads = permission.holders(session, Action.APPROVE_QUESTIONS, branch_id, on=now.date())
    return next((one.id for one in [*(m for m in able if m.id == author_id), *heads]), None)
