"""One access token per application, kept in the database, fetched by one process at a time.

Each fetch may retire the token before, so several processes must not fetch side by side. The row is leased, not locked: nobody holds a
transaction while waiting for the network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError

from bot.chat import SendError
from bot.db import Database
from bot.models.job import PlatformToken

LEASE = timedelta(seconds=15)
"""Longer than a fetch can take, so that only a process that died loses it."""
MARGIN = timedelta(seconds=60)
PATIENCE = timedelta(seconds=30)
PAUSE_S = 0.1

Fetch = Callable[[str], tuple[str, timedelta]]
"""Ask the platform for a token and its lifetime; the argument is the token it has refused, or ""."""


class Tokens:
    """The token of ``application``, e.g. "wecom:<corp>:<agent>"."""

    def __init__(self, database: Database, application: str, fetch: Fetch) -> None:
        self._database, self._application, self._fetch = database, application, fetch
        self._turn = threading.Lock()

    def get(self, now: datetime, *, refused: str = "", left: timedelta = MARGIN) -> str:
        """A token with at least ``left`` to live that is not ``refused``; :class:`SendError` when the platform gives none."""
        row = self._row()
        if _usable(row, now, refused, left):
            return row.token
        with self._turn:
            return self._wait_or_renew(now, refused, left)

    def _wait_or_renew(self, now: datetime, refused: str, left: timedelta) -> str:
        start = time.monotonic()
        waited = timedelta()
        while waited < PATIENCE:
            row = self._row()
            if _usable(row, now + waited, refused, left):
                return row.token
            if self._lease(row.token, now + waited):
                return self._renew(now + waited, refused)
            time.sleep(PAUSE_S)
            waited = timedelta(seconds=time.monotonic() - start)
        raise SendError(0, "other processes keep fetching the access token without success")

    def _row(self) -> PlatformToken:
        with self._database.read() as session:
            row = session.get(PlatformToken, self._application)
        return row or self._first_row()

    def _first_row(self) -> PlatformToken:
        row = PlatformToken(application=self._application, token="")
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError:  # another process was first
            return self._row()
        return row

    def _lease(self, seen: str, now: datetime) -> bool:
        """Take the lease, unless somebody else has it or has renewed the token that was ``seen``."""
        # A lease from beyond the horizon was left by a clock that ran ahead.
        until = PlatformToken.leased_until
        free = or_(until.is_(None), until <= now, until > now + LEASE)
        mine = PlatformToken.application == self._application
        take = update(PlatformToken).where(mine, PlatformToken.token == seen, free)
        with self._database.write() as session:
            got = session.scalar(take.values(leased_until=now + LEASE).returning(PlatformToken.application))
        return got is not None

    def _renew(self, now: datetime, refused: str) -> str:
        try:
            token, lifetime = self._fetch(refused)
        except SendError:
            self._store(leased_until=None)
            raise
        self._store(token=token, expires_at=now + lifetime, leased_until=None)
        return token

    def _store(self, **values: object) -> None:
        mine = PlatformToken.application == self._application
        with self._database.write() as session:
            session.execute(update(PlatformToken).where(mine).values(**values))


def _usable(row: PlatformToken, now: datetime, refused: str, left: timedelta) -> bool:
    return (
        bool(row.token)
        and row.token != refused
        and row.expires_at is not None
        and row.expires_at > now + left
    )
