"""Engine and sessions: SQLite with WAL, FULL and BEGIN IMMEDIATE behind one lock; PostgreSQL as it is.

The default engine begins SQLite transactions lazily and silently loses concurrent awards; see the decisions in CONTRIBUTING.md.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Executable,
    Integer,
    MetaData,
    String,
    and_,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, mapped_column, sessionmaker
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, UTC at rest. A naive datetime is refused: SQLite would store it as something else."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(kind: type[enum.Enum]) -> list[str]:
    return [member.value for member in kind]


class Base(DeclarativeBase):
    """All tables. Enums are stored as their value, so that a rename in code is not a migration."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: String(255),
        datetime: UtcDateTime(),
        dict[str, Any]: JSON,
        list[Any]: JSON,
        enum.Enum: Enum(
            enum.Enum, native_enum=False, create_constraint=False, length=32, values_callable=_values
        ),
    }


Key = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]
"""The surrogate key of a table."""

PartedName = Annotated[str, mapped_column(String(255).with_variant(String(255, collation="C"), "postgresql"))]
"""A name made of parts ("attendance 12 34") that is also looked for by its first ones; compared byte by byte, so that its index can find them."""


def begins_with(name: InstrumentedAttribute[str], head: str) -> ColumnElement[bool]:
    """Whether a :data:`PartedName` begins with ``head``. Its index answers that on both databases; LIKE would read the whole table."""
    return and_(name >= head, name < head[:-1] + chr(ord(head[-1]) + 1))


def upsert(session: Session, table: type[Base]) -> Any:
    """An INSERT of the session's dialect that knows ON CONFLICT. Ask RETURNING what happened, never ``rowcount``: psycopg gives -1."""
    return upsert_into(dialect_of(session), table)


def upsert_into(dialect: str, table: type[Base]) -> Any:
    """What :func:`upsert` gives, for statements that are built once and kept."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def at_the_end(session: Session, statement: Executable, row: dict[str, Any]) -> None:
    """Execute a statement when the transaction ends, once for all of its rows: for what nobody reads before.

    Messages that are answered together (:mod:`bot.batch`) write the same few tables; one statement of many rows costs little more than one of one.
    """
    session.info.setdefault(_KEPT, {}).setdefault(statement, []).append(row)


def at_once(session: Session, statement: Executable, row: dict[str, Any]) -> None:
    """Execute a statement now; takes the same as :func:`at_the_end`."""
    session.connection().execute(statement, row)


def _execute_kept(session: Session) -> None:
    for statement, rows in session.info.pop(_KEPT, {}).items():
        session.connection().execute(statement, rows)


_KEPT = "at the end"


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """A part of a transaction that is undone when it raises, with what it left for the end; what was loaded is then no longer of the session."""
    session.flush()
    kept = {statement: list(rows) for statement, rows in session.info.get(_KEPT, {}).items()}
    point = session.connection().begin_nested()
    try:
        yield
        session.flush()
    except BaseException:
        session.expunge_all()
        session.info[_KEPT] = kept
        point.rollback()
        raise
    point.commit()


def dialect_of(session: Session) -> str:
    """The kind of database behind a session: sqlite or postgresql."""
    return session.get_bind().dialect.name


class Database:
    """Where transactions begin and end. ``write()`` commits at the end of its block, ``read()`` never does.

    ``pooled`` says that a pooler in transaction mode (PgBouncer) stands before PostgreSQL: two transactions of one connection may reach two
    sessions of the server, so nothing may be kept in a session, prepared statements least of all.
    """

    def __init__(self, url: str, *, pool_size: int = 16, pooled: bool = False) -> None:
        self.url = url
        self.sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.sqlite else _postgresql_engine(url, pool_size, pooled)
        self._write = sessionmaker(self.engine, expire_on_commit=False)
        self._read = sessionmaker(
            self.engine.execution_options(sqlite_begin="DEFERRED"), expire_on_commit=False
        )
        # SQLite's own lock is unfair: waiting writers of one process poll and see tails of seconds.
        self._turn = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        with self._turn if self.sqlite else nullcontext(), self._write.begin() as session:
            yield session
            _execute_kept(session)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction for reading only."""
        with self._read() as session:
            yield session

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _postgresql_engine(url: str, pool_size: int, pooled: bool) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        connect_args={"prepare_threshold": None} if pooled else {},
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_recycle=1800,
    )


def _sqlite_engine(url: str, busy_ms: int = 30_000) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"isolation_level": None, "timeout": busy_ms / 1000},
        pool_size=20,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={busy_ms}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        connection.connection.dbapi_connection.execute(f"BEGIN {mode}")

    return engine
