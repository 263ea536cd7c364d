"""The roster of 10,000 people: taken in for the first time, and again without a change, on SQLite (FULL)."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot import migrations
from bot.db import Database
from bot.services import roster
from bot.services.roster import Report

MEMBERS = 10_000
FIRST_S, AGAIN_S = 10, 3
"""What issue 5 allows."""
SECRET = "a secret only for benchmarks"
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


def run(say: Callable[[str], None] = print) -> None:
    """Import a file twice. Processor time is what can be compared on a machine that has other work; the time on the clock stands beside it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "roster.csv"
        write(file)
        database = Database(f"sqlite:///{Path(folder) / 'roster.db'}")
        migrations.upgrade(database)
        first, again = _timed(database, file), _timed(database, file)
        database.dispose()
    assert len(first[0].added) == len(again[0].unchanged) == MEMBERS
    for what, (_, busy, clock), most in (("first", first, FIRST_S), ("again", again, AGAIN_S)):
        say(
            f"roster of {MEMBERS} people, {what}: {busy:.1f} s of processor time, {clock:.1f} s on the clock; "
            f"{busy / most:.2f} of the {most} s allowed"
        )


def write(file: Path) -> None:
    """250 branches of 40 in four groups, with a secretary each, all columns filled."""
    with file.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(roster.COLUMNS)
        for n in range(MEMBERS):
            branch, group = f"某公司党委/第{n // 40}党支部", f"第{n % 4 + 1}党小组"
            post = "书记" if n % 40 == 0 else ""
            table.writerow(
                (
                    f"成员{n}", f"user{n}", f"B{n}", branch, group, f"{n % 9}班", "正式党员", post, "2012-07-01",
                    f"138{n:08}",
                )
            )  # fmt: skip


def _timed(database: Database, file: Path) -> tuple[Report, float, float]:
    """What an import did, its processor seconds and its seconds on the clock, the commit included."""
    busy, clock = time.process_time(), time.perf_counter()
    with database.write() as session:
        report = roster.import_rows(session, roster.read(file), secret=SECRET, now=NOW)
    return report, time.process_time() - busy, time.perf_counter() - clock
