"""Once a week: questions that many answered and that ask badly are shown to their author, or to who approves questions in the branch."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.services import item_statistics, outbox, permission
from bot.services.item_statistics import ItemStatistics
from bot.services.permission import Action
from scheduler.runner import Jobs, Node

jobs = Jobs()

WEEK = timedelta(days=7)


@jobs.cron("questions", day_of_week="mon", hour="8", minute="40", catch_up=timedelta(days=2))
def flag(node: Node, now: datetime) -> None:
    """Tell each person once about what came to thirty more answers within the week."""
    with node.database.write() as session:
        found = [one for one in item_statistics.of_questions(session, now, since=now - WEEK) if one.finding]
        for member_id, theirs in _by_reader(session, found, now).items():
            head = f"本周有 {len(theirs)} 道题答的人多了，建议看一看："
            tail = f"看原题请发：看题 {theirs[0].code}；全部情况请发：题目分析"
            text = "\n".join([head, *item_statistics.lines(theirs), tail])
            outbox.push(session, [member_id], text, key=f"questions {now:%G-W%V}", now=now)


def _by_reader(
    session: Session, found: list[ItemStatistics], now: datetime
) -> dict[int, list[ItemStatistics]]:
    answered = item_statistics.branches_that_answered(session, [one.question_id for one in found])
    readers: dict[int, list[ItemStatistics]] = defaultdict(list)
    for one in found:
        branches = [one.branch_id] if one.branch_id else answered.get(one.question_id, [])
        told = [reader for branch in branches if (reader := _reader(session, one.author_id, branch, now))]
        for member_id in dict.fromkeys(told):
            readers[member_id].append(one)
    return readers


def _reader(session: Session, author_id: int | None, branch_id: int, now: datetime) -> int | None:
    """The author while in a position to mend it, else the first who approves questions in the branch."""
    able = permission.holders(session, Action.EDIT_QUESTIONS, branch_id, on=now.date())
    heads = permission.holders(session, Action.APPROVE_QUESTIONS, branch_id, on=now.date())
    return next((one.id for one in [*(m for m in able if m.id == author_id), *heads]), None)
