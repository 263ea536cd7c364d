"""Photos of claims, of minutes and of hazards are fetched from the platform soon after they were sent: read what is wanted, fetch outside any transaction, keep."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from bot.chat import SendError
from bot.picture import Unreadable, clean
from bot.services import claim_photo, hazard_photo, minute_photo
from bot.services.photo_file import PLATFORM_KEEPS, Wanted
from scheduler.runner import Jobs, Node

log = logging.getLogger("zhibu.photos")

jobs = Jobs()


class Source(Protocol):
    """What has photos that lie on the platform, and takes them."""

    def to_fetch(self, session: Session, *, most: int = ...) -> list[Wanted]: ...
    def keep(self, session: Session, photo_id: int, body: bytes, *, now: datetime) -> None: ...
    def give_up(self, session: Session, photo_id: int, why: str, *, now: datetime) -> None: ...


@jobs.cron("photos of claims", minute="*", catch_up=timedelta(minutes=2))
def fetch_for_claims(node: Node, now: datetime) -> None:
    _fetch_all(node, claim_photo, now)


@jobs.cron("photos of minutes", minute="*", catch_up=timedelta(minutes=2))
def fetch_for_minutes(node: Node, now: datetime) -> None:
    _fetch_all(node, minute_photo, now)


@jobs.cron("photos of hazards", minute="*", catch_up=timedelta(minutes=2))
def fetch_for_hazards(node: Node, now: datetime) -> None:
    _fetch_all(node, hazard_photo, now)


def _fetch_all(node: Node, source: Source, now: datetime) -> None:
    with node.database.read() as session:
        wanted = source.to_fetch(session)
    for one in wanted:
        _fetch(node, source, one, now)


def _fetch(node: Node, source: Source, one: Wanted, now: datetime) -> None:
    """One photo; what fails for the moment is tried again with the next minute, for as long as the platform keeps it."""
    channel = node.channels.get(one.channel)
    try:
        body = clean(channel.download(one.media, now)) if channel else None
        why = "这个渠道没有接通"
    except Unreadable as unreadable:
        body, why = None, str(unreadable)
    except SendError as error:
        log.warning("a photo through %s: %s", one.channel, error)
        if not error.permanent and now - one.at < PLATFORM_KEEPS:
            return
        body, why = None, "平台上已经取不到"
    with node.database.write() as session:
        if body is None:
            source.give_up(session, one.photo_id, why, now=now)
        else:
            source.keep(session, one.photo_id, body, now=now)
