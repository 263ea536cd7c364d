"""Renews the channels' access tokens before they end, so that no message has to wait for a new one."""

from __future__ import annotations

import logging
from datetime import datetime

from bot.chat import SendError
from scheduler.runner import Jobs, Node

log = logging.getLogger("zhibu.jobs")
jobs = Jobs()


@jobs.cron("tokens", minute="3-59/10")
def refresh(node: Node, now: datetime) -> None:
    """One channel that does not answer must not keep the others from their tokens."""
    for channel in node.channels.values():
        try:
            channel.refresh_token(now)
        except SendError as error:
            log.warning("the access token of %s: %s", channel.name, error)
