"""The schema's history: it ends where the models are, and a filled database survives every step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import bot.models  # noqa: F401  (completes the metadata)
from bot import migrations
from bot.db import Base, Database
from tests.conftest import _of, _run


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        yield database
        database.dispose()
        return
    server = request.getfixturevalue("postgresql_server")
    _run(server, "DROP DATABASE IF EXISTS zhibu_empty WITH (FORCE)", "CREATE DATABASE zhibu_empty")
    database = Database(_of(server, "zhibu_empty"))
    yield database
    database.dispose()


def test_the_migrations_end_where_the_models_are(empty: Database) -> None:
    migrations.upgrade(empty)
    assert migrations.revision(empty) == migrations.head()
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": migrations.is_modelled})
        assert compare_metadata(context, Base.metadata) == []


def test_a_filled_database_survives_the_later_steps(empty: Database) -> None:
    migrations.upgrade(empty, "0007")
    with empty.write() as session:
        for statement in FILLED:
            session.execute(text(statement))
    migrations.upgrade(empty)
    with empty.read() as session:
        assert session.scalar(text("SELECT theme FROM activity")) == "消防安全"
        assert session.scalar(text("SELECT state FROM sign_up")) == "signed_up"
        assert session.scalar(text("SELECT points FROM point_entry")) == 2
        assert session.scalar(text("SELECT media FROM claim_photo")) == "media-1"
        origins = session.execute(text("SELECT name, origin FROM role ORDER BY id")).all()
        assert [tuple(row) for row in origins] == [("书记", "名册"), ("组织委员", "聊天")]


FILLED = (
    "INSERT INTO organisation (id, name, kind, path) VALUES (1, '检修党支部', '党支部', '/1/')",
    "INSERT INTO member (id, name, branch_id, crew, status, post, active, created_at, binding_tries)"
    " VALUES (1, '张伟', 1, '', '正式党员', '', true, '2026-11-01 00:00:00', 0)",
    "INSERT INTO activity (id, branch_id, kind, theme, place, starts_at, ends_at, signup_closes_at, production, state, secret, created_by, published_at)"
    " VALUES (1, 1, '主题党日', '消防安全', '三楼', '2026-11-01 00:00:00', '2026-11-01 00:00:00', '2026-11-01 00:00:00', '', 'published', 's', 1,"
    " '2026-11-01 00:00:00')",
    "INSERT INTO sign_up (activity_id, member_id, state, reason, decision) VALUES (1, 1, 'signed_up', '', '')",
    "INSERT INTO point_entry (id, member_id, rule, version, dimension, points, fact, reason, period, at)"
    " VALUES (1, 1, 'attend', 1, '党员教育管理', 2, 'f', '', '2026Q4', '2026-11-01 00:00:00')",
    "INSERT INTO claim (id, kind, member_id, text, media, state, at, decide_by, decision)"
    " VALUES (1, '申报', 1, '师带徒', 'media-1', 'waiting', '2026-11-01 00:00:00', '2026-11-09 00:00:00', '')",
    "INSERT INTO role (id, member_id, name, organisation_id, starts_on) VALUES (1, 1, '书记', 1, '2026-11-01'), (2, 1, '组织委员', 1, '2026-11-01')",
    "INSERT INTO audit_entry (id, at, actor_id, subject_id, channel, act, detail)"
    " VALUES (1, '2026-11-01 00:00:00', 1, 1, 'wecom', '任命', '组织委员（检修党支部）')",
    "INSERT INTO point_balance (member_id, period, dimension, points) VALUES (1, '2026Q4', '党员教育管理', 2)",
)
