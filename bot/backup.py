"""Backup into one file while the product runs, and restore into an empty place; both verified by a digest over all tables.

The file is a ZIP with ``manifest.json`` (kind of database, schema, rows, digest) and the data: a whole SQLite file, or what pg_dump wrote. It
holds all that members wrote, so it is readable for its owner only; encrypted telephone numbers need the same ``ZHIBU_SECRET_KEY`` again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.db import Database

MANIFEST, DATA = "manifest.json", "data"
MODULUS = 2**256
CLIENT = "install the PostgreSQL client of the server's version or newer (Debian: postgresql-client)"


class BackupError(Exception):
    """It did not work; the text is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a database holds. The digest does not depend on the order of rows."""

    database: str
    schema: str
    rows: int
    digest: str


def backup(database: Database, file: Path) -> Summary:
    """Write everything into ``file``, which must not exist; members go on writing meanwhile."""
    if file.exists():
        raise BackupError(f"{file}: exists already; an older backup is not overwritten")
    with _workshop(file.parent) as folder:
        data = folder / DATA
        with _one_line():
            summary = _copy_sqlite(database, data) if database.sqlite else _dump_postgresql(database, data)
        part = folder / "whole"
        _pack(part, summary, data)
        os.link(part, file)  # complete or not at all, and never over another file
    return summary


def restore(url: str, file: Path) -> Summary:
    """Put a backup into the database at ``url``, which must be empty; :class:`BackupError` when what arrived is not what was saved."""
    database = Database(url)
    kind = "sqlite" if database.sqlite else "postgresql"
    try:
        with _workshop(_folder(url)) as folder, _one_line():
            expected = _unpack(file, folder / DATA)
            if expected.database != kind:
                raise BackupError(
                    f"{file}: a backup of {expected.database}, but ZHIBU_DATABASE_URL names {kind}"
                )
            (_place_sqlite if database.sqlite else _load_postgresql)(database, folder / DATA, expected)
    finally:
        database.dispose()
    return expected


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        said = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise BackupError(f"the database cannot be used: {said}") from None


def summarise(connection: Connection) -> Summary:
    """Count and digest all tables as this transaction sees them."""
    rows, total = 0, 0
    names = sorted(inspect(connection).get_table_names())
    for name in names:
        query = text(f'SELECT * FROM "{name}"')  # noqa: S608 - the name comes from the database itself
        result = connection.execution_options(stream_results=True, yield_per=1000).execute(query)
        columns = list(result.keys())
        for row in result:
            line = json.dumps([name, dict(zip(columns, row, strict=True))], sort_keys=True, default=_plain)
            total = (total + int.from_bytes(hashlib.sha256(line.encode()).digest(), "big")) % MODULUS
            rows += 1
    schema = (
        str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        if "alembic_version" in names
        else ""
    )
    return Summary(connection.dialect.name, schema, rows, f"{total:064x}")


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


# SQLite -----------------------------------------------------------------------------------------------------------------


def _copy_sqlite(database: Database, to: Path) -> Summary:
    source = sqlite3.connect(f"{_file(database.url).resolve().as_uri()}?mode=ro", uri=True)
    target = sqlite3.connect(to)
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    finally:
        target.close()
        source.close()
    return _checked(to)


def _place_sqlite(database: Database, data: Path, expected: Summary) -> None:
    file = _file(database.url)
    left = [one for one in (file, file.with_name(f"{file.name}-wal")) if one.exists() and one.stat().st_size]
    if left:
        raise BackupError(f"{left[0]}: not empty; restore puts a backup into an empty place only")
    _compare(_checked(data), expected)
    data.replace(file)


def _checked(file: Path) -> Summary:
    """The content of a SQLite file that is whole."""
    copy = Database(f"sqlite:///{file}")
    try:
        with copy.read() as session:
            said = session.scalar(text("PRAGMA integrity_check"))
            if said != "ok":
                raise BackupError(f"SQLite finds the copy damaged: {said}")
            summary = summarise(session.connection())
    finally:
        copy.dispose()
    # Looking at it has made it a WAL database; alone it must be one file.
    alone = sqlite3.connect(file)
    alone.execute("PRAGMA journal_mode=DELETE")
    alone.close()
    return summary


def _file(url: str) -> Path:
    name = make_url(url).database
    if not name or name == ":memory:":
        raise BackupError("ZHIBU_DATABASE_URL names no file")
    return Path(name)


# PostgreSQL -------------------------------------------------------------------------------------------------------------


def _dump_postgresql(database: Database, to: Path) -> Summary:
    """What pg_dump writes, and the digest of the very same snapshot."""
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        plain = ("--format=custom", "--no-owner", "--no-privileges")
        _client("pg_dump", *plain, f"--snapshot={snapshot}", f"--file={to}", url=make_url(database.url))
        return summarise(connection)


def _load_postgresql(database: Database, data: Path, expected: Summary) -> None:
    with database.engine.connect() as connection:
        if inspect(connection).get_table_names():
            raise BackupError("the database has tables; restore puts a backup into an empty place only")
    whole = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    _client("pg_restore", *whole, str(data), url=make_url(database.url))
    try:
        with database.engine.connect() as connection:
            _compare(summarise(connection), expected)
    except BackupError:
        _empty(database)
        raise


_FUNCTIONS = """
SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT FROM pg_depend WHERE pg_depend.objid = pg_proc.oid AND deptype = 'e')
"""
"""Functions of triggers; what an extension brought stays."""


def _empty(database: Database) -> None:
    """Take away what was loaded into the place that was empty before, so that nobody starts on it."""
    loaded = MetaData()
    loaded.reflect(database.engine)
    loaded.drop_all(database.engine)
    with database.engine.begin() as connection:
        for function in connection.scalars(text(_FUNCTIONS)).all():
            connection.execute(text(f"DROP FUNCTION {function}"))


def _client(program: str, *arguments: str, url: URL) -> None:
    """Run a program of PostgreSQL's own; the password goes through the environment, where other users do not see it."""
    where = url.set(drivername="postgresql", password=None).render_as_string()
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    command = [program, f"--dbname={where}", *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise BackupError(f"{program} is not there: {CLIENT}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        mismatch = f"; {CLIENT}" if "version" in done.stderr else ""
        raise BackupError(f"{program}: {said[0].removeprefix(f'{program}: ')}{mismatch}")


# The file ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _workshop(beside: Path) -> Iterator[Path]:
    """A private folder on the same disk as the result, gone afterwards."""
    try:
        name = tempfile.mkdtemp(prefix=".zhibu-", dir=beside)
    except OSError as error:
        raise BackupError(f"{beside}: {error.strerror}") from None
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name)


def _folder(url: str) -> Path:
    if make_url(url).get_backend_name() != "sqlite":
        return Path(tempfile.gettempdir())
    folder = _file(url).parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pack(file: Path, summary: Summary, data: Path) -> None:
    # Also on a host whose umask lets others read.
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, json.dumps(asdict(summary), indent=1))
            archive.write(data, DATA)
        raw.flush()
        os.fsync(raw.fileno())


def _unpack(file: Path, to: Path) -> Summary:
    try:
        with zipfile.ZipFile(file) as archive, archive.open(DATA) as data, to.open("wb") as copy:
            expected = Summary(**json.loads(archive.read(MANIFEST)))
            shutil.copyfileobj(data, copy)
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError):
        raise BackupError(f"{file}: not a backup of zhibu, or damaged") from None
    return expected


def _compare(found: Summary, expected: Summary) -> None:
    if found != expected:
        raise BackupError(
            f"what arrived is not what was saved: {found.rows} rows of {expected.rows}, or their content differs"
        )
