"""Ends duels that somebody left."""

from __future__ import annotations

from datetime import datetime

from bot.services import duel
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("duels", minute="*/10")
def settle(node: Node, now: datetime) -> None:
    """Twenty-four hours after a duel was accepted who finished it has won."""
    with node.database.write() as session:
        duel.expire(session, now=now)
