"""What is kept for the end of a transaction."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from bot.app import App
from bot.db import Database, at_the_end
from bot.models.identity import Inbox
from bot.services import identity as identities

PUT = insert(Inbox.__table__)  # type: ignore[arg-type]


def _rows(bot: App, database: Database, *names: str) -> list[dict[str, Any]]:
    with database.write() as session:
        identities.open_identity(session, "wecom", "zhangwei")
    fixed = {"channel": "wecom", "identity_id": 1, "kind": "text", "answered_at": bot.clock(), "reply": {}}
    return [{**fixed, "message_id": name} for name in names]


def _count(database: Database) -> int:
    with database.read() as session:
        return int(session.scalar(select(func.count()).select_from(Inbox)) or 0)


def test_what_is_kept_for_the_end_is_written_once_for_all(bot: App, database: Database) -> None:
    first, second = _rows(bot, database, "one", "two")
    with database.write() as session:
        at_the_end(session, PUT, first)
        at_the_end(session, PUT, second)
        assert session.scalar(select(func.count()).select_from(Inbox)) == 0
    assert _count(database) == 2


def test_a_collision_at_the_end_undoes_the_transaction(bot: App, database: Database) -> None:
    first, twin = _rows(bot, database, "one", "one")
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(PUT, {**first, "message_id": "other"})
        at_the_end(session, PUT, first)
        at_the_end(session, PUT, twin)
    assert _count(database) == 0


def test_nothing_kept_survives_a_refusal(bot: App, database: Database) -> None:
    [row] = _rows(bot, database, "one")
    with pytest.raises(ValueError), database.write() as session:
        at_the_end(session, PUT, row)
        raise ValueError
    with database.write():
        pass
    assert _count(database) == 0
