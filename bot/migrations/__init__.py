"""Schema changes, by Alembic. ``upgrade`` brings a database to the newest schema; ``current`` says cheaply whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.db import Database

FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def head() -> str:
    """The newest revision, read from the file names (Alembic costs a second to import)."""
    return max(path.stem.split("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def revision(database: Database) -> str | None:
    """The database's revision; None for an empty one. Raises the driver's error when the database cannot be reached."""
    with database.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def is_modelled(name: str | None, _kind: str, _parents: object) -> bool:
    """Whether the models know a name of the database: full-text indexes are written by hand in a migration."""
    return not (name or "").startswith("library_search")


class Broken(Exception):
    """A migration left rows that refer to nothing; it was rolled back."""


def upgrade(database: Database, to: str = "head") -> None:
    """Run all missing migrations in one transaction; two processes at once are kept apart by the database's own lock."""
    if revision(database) == (head() if to == "head" else to):
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with database.engine.connect() as connection, _without_foreign_keys(connection), connection.begin():
        _lock(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        _check(connection)


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew, which rows of other tables would forbid; the switch works only between transactions."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def _check(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        wrong = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if wrong:
            raise Broken(f"rows that refer to nothing, first in table {wrong[0][0]}")


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7220111)"))
