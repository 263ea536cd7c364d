"""Engines of one kind share what they have compiled: each test has a new database, and a third of its time went into the same statements again."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from bot import db

_COMPILED: dict[str, dict[Any, Any]] = defaultdict(dict)


def share() -> None:
    """From now on; for the whole run of the tests."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        # A compiled statement is kept under its dialect. Two of one kind are as good as one: the server is the same.
        kind.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
        kind.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    db.create_engine = _sharing  # type: ignore[assignment]


def _sharing(*where: Any, **how: Any) -> Engine:
    engine = create_engine(*where, **how)
    engine.update_execution_options(compiled_cache=_COMPILED[engine.dialect.name])
    return engine
