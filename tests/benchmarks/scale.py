"""The way to many: messages a second with 1, 2 and 4 web processes on one PostgreSQL, and with 2,000, 100,000 and 1,000,000 members on either database.

The load stands in for nginx: its connections go to the processes in turn. Everything shares the cores of one machine, PostgreSQL and the load too, so
another process helps only as far as cores are idle; how busy they were stands in each line.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from sqlalchemy import Connection, Table, select, text

from bot import app as composition
from bot.app import App
from bot.config import Settings
from bot.db import Base
from bot.models.identity import Conversation, Identity
from bot.models.member import Member
from bot.models.points import PointBalance, PointEntry
from bot.simulator.platform import Platform
from tests.benchmarks import webhook
from tests.benchmarks.load import Result
from tests.chat import Phone
from tests.faults.rig import free_port

PROCESSES = (1, 2, 4)
MEMBERS = (webhook.MEMBERS, 100_000, 1_000_000)
CONNECTIONS = 32
ROUNDS = 5
TEXT = "积分"
COPIED: dict[type[Base], tuple[tuple[str, ...], tuple[str, ...]]] = {
    # The columns that count up with each copy of the first members, the key first, and those that get the copy's number behind them.
    Member: (("id",), ("account", "staff_no")),
    Identity: (("id", "member_id"), ("external_id",)),
    Conversation: (("identity_id",), ()),
    PointEntry: (("id", "member_id"), ("fact",)),
    PointBalance: (("member_id",), ()),
}


def run(say: Callable[[str], None] = print) -> None:
    """Both kinds of growth; on PostgreSQL only where its package is installed."""
    with tempfile.TemporaryDirectory() as name, webhook.postgresql(Path(name)) as postgres:
        folder = Path(name)
        if postgres is not None:
            _processes(folder, postgres, say)
        for database, url in (("SQLite FULL", f"sqlite:///{folder / 'zhibu.db'}"), ("PostgreSQL", postgres)):
            if url is not None:
                _members(folder, database, url, say)


def _processes(folder: Path, url: str, say: Callable[[str], None]) -> None:
    """All run from the beginning and are asked in turn, round by round: a ratio is that of one round."""
    platform, values, app = _filled(url)
    with contextlib.ExitStack() as stack:
        groups = {count: stack.enter_context(servers(values, folder, count)) for count in PROCESSES}
        rounds: dict[int, list[Round]] = {count: [] for count in PROCESSES}
        for _ in range(ROUNDS + 1):
            for count, ports in groups.items():
                rounds[count].append(ask(platform, ports, folder))
        open_now = _connections(app)
    for count, found in rounds.items():
        pairs = zip(found[1:], rounds[PROCESSES[0]][1:], strict=True)
        ratio = statistics.median(one.result.rate / two.result.rate for one, two in pairs)
        busy = statistics.median(one.busy for one in found[1:])
        line = _line(f"{TEXT}, {count} web processes", middle(found), ratio, "1 process")
        say(f"{line}  all cores {busy:.0%} busy")
    say(f"{sum(PROCESSES)} web processes had {open_now} connections open to PostgreSQL")
    app.database.dispose()


def _members(folder: Path, database: str, url: str, say: Callable[[str], None]) -> None:
    platform, values, app = _filled(url)
    first = 0.0
    for count in MEMBERS:
        start = time.perf_counter()
        with app.database.write() as session:
            multiply(session.connection(), count)
        with app.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        filled = time.perf_counter() - start
        with servers(values, folder, 1) as ports:
            result = middle([ask(platform, ports, folder) for _ in range(ROUNDS + 1)])
        first = first or result.rate
        line = _line(f"{database}: {count:,} members", result, result.rate / first, f"{MEMBERS[0]:,} members")
        say(f"{line}  filled in {filled:.0f} s")
    app.database.dispose()


def _filled(url: str) -> tuple[Platform, dict[str, str], App]:
    """The first members, who have points and have spoken, unless they are there."""
    platform = Platform(webhook.people(), lambda *_: (200, b""), webhook._now)
    values = {"secret_key": webhook.SECRET, **platform.settings(), "database_url": url}
    app = composition.build(Settings.model_validate(values))
    composition.prepare(app)
    with app.database.read() as session:
        there = session.scalar(select(Member.id).limit(1))
    if there is None:
        webhook.fill(app)
        for person in webhook.people():
            Phone(app, person.userid)(TEXT)
    return platform, values, app


def multiply(connection: Connection, members: int) -> None:
    """Copy the first members, with what belongs to them, until there are so many."""
    have = _count(connection, "count(*)", "member") // webhook.MEMBERS
    if members // webhook.MEMBERS == have:
        return
    for model, (counted, named) in COPIED.items():
        table: Table = model.__table__  # type: ignore[assignment]
        key, columns = counted[0], [column.name for column in table.columns]
        most = _count(connection, f"max({key})", table.name) // have
        copied = {name: f"{name} + copy.n * {most if name == key else webhook.MEMBERS}" for name in counted}
        copied |= {name: f"{name} || '-' || copy.n" for name in named}
        series = "WITH RECURSIVE copy(n) AS (SELECT CAST(:have AS integer) UNION ALL SELECT n + 1 FROM copy WHERE n < :last)"
        into = f"INSERT INTO {table.name} ({', '.join(columns)})"
        values = ", ".join(copied.get(name, name) for name in columns)
        connection.execute(
            text(f"{into} {series} SELECT {values} FROM {table.name}, copy WHERE {key} <= {most}"),
            {"have": have, "last": members // webhook.MEMBERS - 1},
        )


def _count(connection: Connection, what: str, table: str) -> int:
    return int(connection.scalar(text(f"SELECT {what} FROM {table}")) or 0)


@contextlib.contextmanager
def servers(values: dict[str, str], folder: Path, count: int) -> Iterator[list[int]]:
    """So many web processes; yields their ports once all answer."""
    file = folder / "settings.json"
    file.write_text(json.dumps(values))
    ports = [free_port() for _ in range(count)]
    running = [
        subprocess.Popen([sys.executable, "-m", "tests.benchmarks.serve", "zhibu", str(file), str(port)])
        for port in ports
    ]
    try:
        for port in ports:
            _wait_for(port)
        yield ports
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait(10)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok:
                return
        time.sleep(0.05)
    raise RuntimeError("the server does not answer")


@dataclass(frozen=True, slots=True)
class Round:
    """What the load saw in one round, and the share of all cores that was busy meanwhile."""

    result: Result
    busy: float


def ask(platform: Platform, ports: list[int], folder: Path) -> Round:
    """One round over these processes."""
    file = folder / "requests"
    file.write_bytes(webhook.requests_of(platform, TEXT, webhook.REQUESTS, webhook.asking()))
    where = ",".join(map(str, ports))
    load = [sys.executable, "-m", "tests.benchmarks.load", where, str(file), str(CONNECTIONS)]
    before = _ticks()
    done = subprocess.run(load, check=True, capture_output=True)
    return Round(Result(**json.loads(done.stdout)), _busy(before, _ticks()))


def middle(rounds: list[Round]) -> Result:
    """The median of the rounds after the first, which warms up, with the worst answer of them all."""
    counted = [one.result for one in rounds[1:]]
    median = lambda what: statistics.median(what(one) for one in counted)  # noqa: E731
    return Result(
        median(lambda one: one.rate),
        median(lambda one: one.p50),
        median(lambda one: one.p99),
        max(one.worst for one in counted),
        sum(one.result.bad for one in rounds),
    )


def _ticks() -> tuple[int, int]:
    """What all cores of the machine have done so far: ticks in all, and idle ones."""
    fields = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields), fields[3] + fields[4]


def _busy(before: tuple[int, int], after: tuple[int, int]) -> float:
    return 1 - (after[1] - before[1]) / (after[0] - before[0])


def _connections(app: App) -> int:
    with app.database.read() as session:
        return int(
            session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL")) or 0
        )


def _line(name: str, one: Result, ratio: float, yardstick: str) -> str:
    return (
        f"{name:<32} {one.rate:6.0f}/s  {ratio:5.2f} x {yardstick}  p50 {one.p50:5.1f} ms  p99 {one.p99:5.1f} ms  "
        f"worst {one.worst:5.0f} ms  not answered {one.bad}"
    )
