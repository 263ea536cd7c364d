"""Photos of claims are fetched from the platform soon after they were sent: read what is wanted, fetch outside any transaction, keep."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.chat import SendError
from bot.picture import Unreadable, clean
from bot.services import claim_photo
from bot.services.claim_photo import PLATFORM_KEEPS, Wanted
from scheduler.runner import Jobs, Node

log = logging.getLogger("zhibu.photos")

jobs = Jobs()


@jobs.cron("photos of claims", minute="*", catch_up=timedelta(minutes=2))
def fetch(node: Node, now: datetime) -> None:
    with node.database.read() as session:
        wanted = claim_photo.to_fetch(session)
    for one in wanted:
        _fetch(node, one, now)


def _fetch(node: Node, one: Wanted, now: datetime) -> None:
    """One photo; what fails for the moment is tried again with the next minute, for as long as the platform keeps it."""
    channel = node.channels.get(one.channel)
    try:
        body = clean(channel.download(one.media, now)) if channel else None
        why = "这个渠道没有接通"
    except Unreadable as unreadable:
        body, why = None, str(unreadable)
    except SendError as error:
        log.warning("a photo of a claim through %s: %s", one.channel, error)
        if not error.permanent and now - one.at < PLATFORM_KEEPS:
            return
        body, why = None, "平台上已经取不到"
    with node.database.write() as session:
        if body is None:
            claim_photo.give_up(session, one.photo_id, why, now=now)
        else:
            claim_photo.keep(session, one.photo_id, body, now=now)
