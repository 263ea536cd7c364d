"""What 积分 and an award cost with a small and with a huge ledger, how fast the ledger is proved and settled, and how long a picture takes.

``python -m tests.benchmarks points`` fills a million rows; ``python -m tests.benchmarks.points --rows 10000000`` so many.
The small and the huge database take turns, question by question, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url

from bot import app as composition
from bot.app import App
from bot.cli_points import SHARES, verified_by_many
from bot.clock import Clock
from bot.config import Settings
from bot.db import Base, Database
from bot.documents.picture import points_picture
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import PointBalance, PointEntry
from bot.services import point_chain, point_rule, points, roster, settlement, settlement_period
from bot.services.point_picture import Figures
from tests.benchmarks.webhook import SECRET, postgresql
from tests.chat import Phone

FEW, MANY = 10_000, 1_000_000
MEMBERS, SETTLED = 1_000, 10_000
ENTRIES = 20
"""Of each member in the quarter that is settled."""
GROWTH, VERIFIED_A_SECOND, SETTLED_S, PICTURE_MS = 1.2, 100_000, 10, 200
"""What issue 5 allows."""
ROUNDS = 400
BATCH = 20_000
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


def run(say: Callable[[str], None] = print, rows: int = MANY) -> None:
    """All figures, each with its share of what is allowed.

    Processor time is what can be compared on a machine that has other work: SQLite spends it in this process, PostgreSQL
    mostly beside it, so that there the time on the clock must be looked at too.
    """
    say(_picture())
    with tempfile.TemporaryDirectory() as name, postgresql(Path(name)) as server:
        for kind in ("SQLite", "PostgreSQL"):
            if kind == "SQLite" or server is not None:
                _database(kind, Path(name), server or "", rows, say)


def _database(kind: str, folder: Path, server: str, rows: int, say: Callable[[str], None]) -> None:
    def url(name: str) -> str:
        return f"sqlite:///{folder / name}.db" if kind == "SQLite" else _created(server, name)

    with _filled(url("points_few"), FEW) as few, _filled(url("points_many"), rows) as many:
        for what, act in (("积分", _ask), ("an award", _award)):
            first, second = _in_turn(few, many, act)
            say(
                f"{kind}, {what}: {first:.2f} ms with {FEW:,} entries, {second:.2f} ms with {rows:,}; "
                f"ratio {second / first:.2f}, {second / first / GROWTH:.2f} of the {GROWTH} allowed"
            )
        entries = rows + ROUNDS
        busy, alone = _verified(many, entries)
        clock = _verified_by_all_cores(many, entries)
        say(
            f"{kind}, verify: {entries / busy:,.0f} entries a second of processor time, on the clock {entries / alone:,.0f} by one process and "
            f"{entries / clock:,.0f} by one for each core, {entries / clock / VERIFIED_A_SECOND:.1f} x what is asked"
        )
    with _filled(url("points_settled"), SETTLED * ENTRIES, people=SETTLED, quarter=3) as app:
        busy, clock = _settled(app)
        say(
            f"{kind}, settlement of {SETTLED:,} members, draft to final: {busy:.1f} s of processor time, {clock:.1f} s on the clock; "
            f"{busy / SETTLED_S:.2f} of the {SETTLED_S} s allowed"
        )


def _created(server: str, name: str) -> str:
    engine = Database(server).engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def _filled(url: str, rows: int, *, people: int = MEMBERS, quarter: int = 4) -> Iterator[App]:
    """The product with one branch and a ledger of so many sealed entries, spread over members and the years back from a quarter."""
    settings = Settings.model_validate({"database_url": url, "secret_key": SECRET})
    app = composition.build(settings, clock=Clock(NOW.tzinfo, start=NOW))  # type: ignore[arg-type]
    composition.prepare(app)
    header = ("姓名", "账号", "工号", "党支部", "党小组", "班组", "身份")
    lines = [
        (n + 2, dict(zip(header, (f"成员{n}", f"user{n}", f"B{n}", "压测党支部", f"第{n % 9}党小组", "一班", "正式党员"), strict=True)))
        for n in range(people)
    ]  # fmt: skip
    with app.database.write() as session:
        roster.import_rows(session, lines, secret=SECRET, now=app.clock())
        everybody = list(session.scalars(select(Member.id)))
    _ledger(app.database, everybody, rows, quarter)
    if app.database.engine.dialect.name == "postgresql":
        with app.database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    try:
        yield app
    finally:
        app.database.dispose()


def _ledger(database: Database, members: list[int], rows: int, quarter: int) -> None:
    """As many years go by everywhere; what grows is how much happened in them. Many transactions: ten million rows in one would take hours on SQLite."""
    dimensions = [one.name for one in point_rule.rules().dimensions]
    each = rows // len(members)
    last, sums, batch = dict.fromkeys(members, ""), dict[tuple[int, str, str], tuple[int, str]](), []
    for n in range(each):
        back = (each - 1 - n) * 8 // each if quarter == 4 else 0
        at = (
            NOW - timedelta(days=91 * back, minutes=each - n)
            if quarter == 4
            else datetime(2026, 8, 3, 9, tzinfo=NOW.tzinfo)
        )
        period = f"{at.year}Q{(at.month + 2) // 3}"
        for member in members:
            row = {
                "member_id": member, "rule": "attend", "version": 1, "dimension": dimensions[n % len(dimensions)], "points": 1,
                "fact": f"benchmark {n} {member}", "reason": "参加主题党日：宪法宣传进班组", "period": period, "giver_id": None,
                "reverses_id": None, "at": at, "day": at.date(),
            }  # fmt: skip
            last[member] = row["chain"] = point_chain.seal(last[member], row)
            key = (member, period, str(row["dimension"]))
            sums[key] = (sums.get(key, (0, ""))[0] + 1, last[member])
            batch.append(row)
        if len(batch) >= BATCH:
            _write(database, PointEntry, batch)
            batch = []
    _write(database, PointEntry, batch)
    balances = [
        {"member_id": member, "period": period, "dimension": dimension, "points": points, "chain": chain}
        for (member, period, dimension), (points, chain) in sums.items()
    ]
    _write(database, PointBalance, balances)


def _write(database: Database, table: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        with database.write() as session:
            session.connection().execute(insert(table), rows)


def _in_turn(few: App, many: App, act: Callable[[App, int], None]) -> tuple[float, float]:
    """The median milliseconds on the clock of an act with either ledger."""
    times: tuple[list[float], list[float]] = ([], [])
    for n in range(ROUNDS):
        for app, side in ((few, times[0]), (many, times[1])):
            start = time.perf_counter()
            act(app, n)
            side.append(time.perf_counter() - start)
    first, second = (statistics.median(side[ROUNDS // 10 :]) * 1000 for side in times)
    return first, second


def _ask(app: App, number: int) -> None:
    """积分, from message to committed answer."""
    told = Phone(app, f"user{number * 7 % MEMBERS}")("积分")
    assert "本季" in told or "季度共" in told, told


def _award(app: App, number: int) -> None:
    """Points for one more fact, committed."""
    with app.database.write() as session:
        fact = f"benchmark award {number}"
        given = points.award(
            session, 1 + number * 7 % MEMBERS, "study", fact=fact, reason="学完一份资料", now=app.clock()
        )
    assert given.points, given


def _verified(app: App, rows: int) -> tuple[float, float]:
    with app.database.read() as session, _timed() as spent:
        done = point_chain.verify(session)
    assert (done.rows, done.wrong) == (rows, []), done.wrong[:3]
    return spent()


def _verified_by_all_cores(app: App, rows: int) -> float:
    """Seconds on the clock, with the start of the processes, as ``zhibu points verify`` does it."""
    with app.database.read() as session:
        spans = point_chain.spans(session, SHARES)
    with _timed() as spent:
        done = verified_by_many(app, spans)
    assert (done.rows, done.wrong) == (rows, []), done.wrong[:3]
    return spent()[1]


def _settled(app: App) -> tuple[float, float]:
    """Draft, public notice and end together."""
    with _timed() as spent:
        with app.database.write() as session:
            branch = session.scalars(select(Organisation).where(Organisation.name == "压测党支部")).one()
            by = session.scalars(select(Member).limit(1)).one()
            one = settlement.draft(session, branch, settlement_period.quarter(2026, 3), by=by, now=NOW)
            assert settlement.publish(session, one, now=NOW) == SETTLED
        with app.database.write() as session:
            assert settlement.close(session, one.id, NOW + timedelta(days=30))
    return spent()


@contextlib.contextmanager
def _timed() -> Iterator[Callable[[], tuple[float, float]]]:
    """Seconds of this process's processor time and on the clock, for what happens inside."""
    busy, clock = time.process_time(), time.perf_counter()
    spent: list[float] = []
    yield lambda: (spent[0], spent[1])
    spent += [time.process_time() - busy, time.perf_counter() - clock]


def _picture() -> str:
    """The first picture of a process reads the font; the others do not, and one drawn before is only looked up."""
    times = []
    for n in range(21):
        drawn = Figures("2026Q4", tuple((one.name, n, one.cap) for one in point_rule.rules().dimensions))
        start = time.process_time()
        points_picture(drawn)
        times.append((time.process_time() - start) * 1000)
    start = time.process_time()
    points_picture(drawn)
    again = (time.process_time() - start) * 1000
    return (
        f"picture of points: the first {times[0]:.0f} ms, others {statistics.median(times[1:]):.0f} ms, drawn before {again:.2f} ms of processor time; "
        f"{times[0] / PICTURE_MS:.2f} of the {PICTURE_MS} ms allowed"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=MANY, help="entries in the huge ledger")
    run(rows=parser.parse_args().rows)
