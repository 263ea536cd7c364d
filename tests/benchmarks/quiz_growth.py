"""What an answer costs when a branch has answered 1,000 times before, and when it has a million times, on SQLite and PostgreSQL.

The two databases take turns, answer by answer, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from bot import app as composition
from bot.app import App
from bot.clock import Clock
from bot.config import Settings
from bot.db import Database
from bot.models.quiz import Question, QuizRun
from bot.services import roster
from bot.services.answer import item_of
from tests.benchmarks.webhook import SECRET, postgresql
from tests.chat import Phone

FEW, MANY = 1_000, 1_000_000
MEMBERS = 200
A_RUN = 10
DAYS = 20
START = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
BEGINNINGS = ("每日一题", "答题", "专项 安规", "挑战", "错题")
"""Beginning a run looks at what was answered before as well, so it is measured too."""

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) "
_AGO = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', :now, '-' || (31000000 / :count * (i + 1)) || ' seconds')",
    "postgresql": "CAST(:now AS timestamptz) - 31000000 / :count * (i + 1) * INTERVAL '1 second'",
}
_RUNS = """
INSERT INTO quiz_run (member_id, kind, title, questions, position, "right", "order", shown, started_at, asked_at, finished_at)
SELECT :first + i % :members, '专项', '安规', '[1,2,3,4,5,6,7,8,9,10]', :places, 7, '[]', '', {ago}, {ago}, {ago} FROM n
"""
_ATTEMPTS = """
INSERT INTO attempt (run_id, position, member_id, question_id, given, "right", seconds, at)
SELECT r.id, i, r.member_id, :question + (r.id * 7 + i) % :questions, 'A', (r.id + i) % 10 < 7, 20, r.finished_at
FROM quiz_run r CROSS JOIN n
"""


def run(say: Callable[[str], None] = print) -> None:
    """Fill both databases, then let one member answer in both; the medians and their ratio."""
    with tempfile.TemporaryDirectory() as name, postgresql(Path(name)) as server:
        folder = Path(name)
        for database in ("SQLite", "PostgreSQL"):
            if database == "PostgreSQL" and server is None:
                continue
            with contextlib.ExitStack() as stack:
                few, many = (
                    stack.enter_context(_filled(_url(database, server or "", folder, count), count))
                    for count in (FEW, MANY)
                )
                for what, times in _measured(few, many).items():
                    first, second = (statistics.median(side) * 1000 for side in times)
                    say(
                        f"{database}, {what}: {first:.2f} ms after {FEW:,} attempts, {second:.2f} ms after {MANY:,}; "
                        f"ratio {second / first:.2f}"
                    )


def _url(database: str, server: str, folder: Path, count: int) -> str:
    if database == "SQLite":
        return f"sqlite:///{folder / f'{count}.db'}"
    engine = Database(server).engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE quiz_{count}"))
    engine.dispose()
    return make_url(server).set(database=f"quiz_{count}").render_as_string(hide_password=False)


@contextlib.contextmanager
def _filled(url: str, count: int) -> Iterator[App]:
    """The product with one branch whose members gave so many answers within the last year."""
    settings = Settings.model_validate({"database_url": url, "secret_key": SECRET})
    app = composition.build(settings, clock=Clock(START.tzinfo, start=START))  # type: ignore[arg-type]
    composition.prepare(app)
    header = ("姓名", "账号", "工号", "党支部", "党小组", "班组", "身份")
    people = [
        (
            n + 2,
            dict(
                zip(
                    header,
                    (f"成员{n}", f"user{n}", f"B{n}", "压测党支部", "一组", "一班", "正式党员"),
                    strict=True,
                )
            ),
        )
        for n in range(MEMBERS)
    ]
    with app.database.write() as session:
        roster.import_rows(session, people, secret=SECRET, now=START)
    _answered_before(app, count)
    yield app
    app.database.dispose()


def _answered_before(app: App, count: int) -> None:
    ago = _AGO["sqlite" if app.database.sqlite else "postgresql"]
    with app.database.write() as session:
        first, members = session.execute(text("SELECT min(id), count(*) FROM member")).one()
        question, questions = session.execute(text("SELECT min(id), count(*) FROM question")).one()
        now = START.astimezone(ZoneInfo("UTC")).strftime(
            "%Y-%m-%d %H:%M:%S" + ("" if app.database.sqlite else "+00")
        )
        whole = {"now": now, "first": first, "members": members, "places": A_RUN}
        session.execute(text(_NUMBERS + _RUNS.format(ago=ago)), {**whole, "count": count // A_RUN})
        session.execute(
            text(_NUMBERS + _ATTEMPTS), {"question": question, "questions": questions, "count": A_RUN}
        )
    if not app.database.sqlite:  # as its autovacuum does by and by
        with app.database.write() as session:
            session.execute(text("ANALYZE"))


def _measured(few: App, many: App) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of each message in both databases, by what it does; the first day only warms up."""
    times: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for day in range(DAYS + 1):
        sides = [_day(app, Phone(app, "user1")) for app in (few, many)]
        for both in zip_longest(*sides):
            for side, done in enumerate(both):
                if done is not None and day:
                    times[done[0]][side].append(done[1])
        for app in (few, many):
            app.clock.jump(START + timedelta(days=day + 1))  # type: ignore[attr-defined]
    return times


def _day(app: App, phone: Phone) -> Iterator[tuple[str, float]]:
    """One member's day of practice: what each message does and the seconds until its answer."""
    for beginning in BEGINNINGS:
        yield f"{beginning} begins", _seconds(app, phone, beginning)
        place = 0
        while said := _right_or_wrong(app, right=place % 3 < 2):
            place += 1
            yield "an answer", _seconds(app, phone, said)


def _seconds(app: App, phone: Phone, said: str) -> float:
    app.clock.sleep(timedelta(minutes=1))  # type: ignore[attr-defined]
    start = time.perf_counter()
    phone(said)
    return time.perf_counter() - start


def _right_or_wrong(app: App, *, right: bool) -> str:
    """What to say to the open question of a run; "" when none is open."""
    with app.database.read() as session:
        run = session.scalars(select(QuizRun).where(QuizRun.finished_at.is_(None))).first()
        if run is None:
            return ""
        question = session.get_one(Question, run.questions[run.position])
    if not right:
        return "不会"
    item = item_of(question, run.questions[: run.position].count(question.id))
    return item.right_letters(run.order) or item.answer[0]
