"""What is kept for the end of a transaction."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from bot.app import App
from bot.db import Database, at_the_end
from bot.models.identity import Identity, Inbox
from tests.chat import PhoneBook

PUT = insert(Inbox.__table__)  # type: ignore[arg-type]


@pytest.fixture
def row(bot: App, phone: PhoneBook, database: Database) -> dict[str, Any]:
    """A row that may stand beside the one that is there."""
    phone("张伟")("菜单")
    with database.read() as session:
        who = session.scalars(select(Identity.id).where(Identity.external_id == "zhangwei")).one()
    fixed = {"channel": "wecom", "identity_id": who, "kind": "text", "answered_at": bot.clock(), "reply": {}}
    return {**fixed, "message_id": "one"}


def _count(database: Database) -> int:
    with database.read() as session:
        return int(session.scalar(select(func.count()).select_from(Inbox)) or 0)


def test_what_is_kept_for_the_end_is_written_once_for_all(database: Database, row: dict[str, Any]) -> None:
    with database.write() as session:
        at_the_end(session, PUT, row)
        at_the_end(session, PUT, {**row, "message_id": "two"})
        assert session.scalar(select(func.count()).select_from(Inbox)) == 1
    assert _count(database) == 3


def _collide(database: Database, row: dict[str, Any]) -> None:
    with database.write() as session:
        session.execute(PUT, {**row, "message_id": "other"})
        at_the_end(session, PUT, row)
        at_the_end(session, PUT, row)


def test_a_collision_at_the_end_undoes_the_transaction(database: Database, row: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        _collide(database, row)
    assert _count(database) == 1


def _break(database: Database, row: dict[str, Any]) -> None:
    with database.write() as session:
        at_the_end(session, PUT, row)
        raise ValueError


def test_nothing_is_kept_after_an_error(database: Database, row: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        _break(database, row)
    with database.write():
        pass
    assert _count(database) == 1
