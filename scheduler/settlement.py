"""Makes settlements of points final when their public notice has ended and no appeal waits."""

from __future__ import annotations

from datetime import datetime

from bot.services import settlement
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("settlement", hour="8-20", minute="10")
def close(node: Node, now: datetime) -> None:
    """Each in its own transaction, so that one branch does not wait for another."""
    with node.database.read() as session:
        due = settlement.due(session, now)
    for one in due:
        with node.database.write() as session:
            settlement.close(session, one, now)
