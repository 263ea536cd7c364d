"""A full disk or a lost database: one apology, one log line, /readyz 503, and all is well again afterwards."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from bot import app as composition
from bot.app import App
from bot.db import Database
from tests.chat import PhoneBook


def test_a_full_disk_is_one_apology_and_nothing_is_half_done(
    bot: App, phone: PhoneBook, caplog: pytest.LogCaptureFixture
) -> None:
    if not bot.database.sqlite:
        pytest.skip("SQLite lets a test fill the disk")
    zhang = phone("张伟")
    zhang("菜单")
    with full_disk(bot.database), caplog.at_level(logging.ERROR):
        answer = zhang("感想 " + "学习体会" * 400)
        while "出错" not in answer:
            answer = zhang("感想 " + "学习体会" * 400)
    assert "没有处理" in answer
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    assert "学习体会" not in caplog.text
    assert "今日学习" in zhang("菜单")


def test_a_lost_database_is_an_apology_and_not_ready(
    bot: App, phone: PhoneBook, caplog: pytest.LogCaptureFixture
) -> None:
    client = composition.create_flask(bot).test_client()
    assert client.get("/readyz").status_code == 200
    with unreachable(bot.database), caplog.at_level(logging.ERROR):
        assert "没有处理" in phone("张伟")("菜单")
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "database unreachable\n")
        assert client.get("/healthz").status_code == 200
    assert "今日学习" in phone("张伟")("菜单")
    assert client.get("/readyz").status_code == 200


def test_an_old_schema_is_not_ready(bot: App) -> None:
    with bot.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = composition.create_flask(bot).test_client().get("/readyz")
    assert answer.status_code == 503
    assert "0000" in answer.text


@contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """No page more than now: SQLite then says that the disk is full."""

    def limit(connection, record, proxy) -> None:  # type: ignore[no-untyped-def]
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    database.engine.dispose()
    event.listen(database.engine, "checkout", limit)
    yield
    event.remove(database.engine, "checkout", limit)
    database.engine.dispose()


@contextmanager
def unreachable(database: Database) -> Iterator[None]:
    """Every connection fails, as when the server is gone."""

    def fail(connection, record, proxy) -> None:  # type: ignore[no-untyped-def]
        raise OperationalError("connect", {}, ConnectionError("gone"))

    event.listen(database.engine, "checkout", fail)
    yield
    event.remove(database.engine, "checkout", fail)
