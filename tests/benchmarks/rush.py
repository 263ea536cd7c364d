"""The rush at the door: 2,000 members check in within 20 seconds, through two ``zhibu serve`` on one PostgreSQL, while the word changes.

Each message comes encrypted over a connection of its own to one of the two processes, in turn; who gets no answer for five seconds is asked for
again with the same MsgId, three times at most, as the platform does. Every twentieth message is delivered to both processes at the same moment, and
every twentieth member taps twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot import app as composition
from bot.app import App
from bot.config import Settings
from bot.models.activity import Activity, Attendance
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.services import check_in_word, roster
from bot.simulator.platform import Platform
from bot.simulator.world import Person
from tests.benchmarks.webhook import cpu_s
from tests.chat import Phone
from tests.faults.rig import SHANGHAI, free_port, postgresql

SECRET = "a secret only for benchmarks"
MEMBERS, SECONDS, PROCESSES = 2000, 20.0, 2
PATIENCE_S, RETRIES = 5.0, 3
EACH = 20
"""Of so many members one is delivered to both processes at once, and another one taps twice."""
DONE, BEFORE = "签到成功", "不用再签"


@dataclass(frozen=True, slots=True)
class Figures:
    """One rush: milliseconds from the first post of a message to its answer, and of a core that it costs the web processes.

    ``twice`` are the members who were told so, are there or have points more than once, ``lost`` those who are not there or have none;
    ``silent`` are the messages without any answer.
    """

    members: int
    messages: int
    seconds: float
    p50: float
    p99: float
    worst: float
    repeated: int
    attendances: int
    entries: int
    twice: int
    lost: int
    silent: int
    cpu_ms: float

    def __str__(self) -> str:
        return (
            f"rush: {self.members} members, {self.messages} messages in {self.seconds:.1f} s  p50 {self.p50:.0f} ms  "
            f"p99 {self.p99:.0f} ms  worst {self.worst:.0f} ms  repeated {self.repeated}  "
            f"there {self.attendances}  entries of points {self.entries}  twice {self.twice}  lost {self.lost}  not answered {self.silent}  cpu {self.cpu_ms:.1f} ms a message"
        )


@dataclass(slots=True)
class Said:
    """One message: who sent it, how long it took to be answered, how often it was posted, and the texts that came back."""

    person: Person
    seconds: float = 0.0
    posted: int = 0
    answers: list[str] = field(default_factory=list)


class Crowd:
    """The members before the screen, and the platform that carries what they type to ``ports``."""

    def __init__(self, platform: Platform, activity: Activity, ports: list[int]) -> None:
        self.platform, self.activity, self.ports = platform, activity, ports
        self.said: list[Said] = []

    async def rush(self, seconds: float) -> None:
        """Everybody once, evenly spread over the seconds, whatever became of those before."""
        people = self.platform.world.people
        start = time.perf_counter()
        tasks = []
        for number, person in enumerate(people):
            await asyncio.sleep(start + seconds * number / len(people) - time.perf_counter())
            tasks.append(asyncio.create_task(self._checks_in(number, person)))
        await asyncio.gather(*tasks)

    async def _checks_in(self, number: int, person: Person) -> None:
        await self._says(number, person, both=number % EACH == 0)
        if number % EACH == 1:
            await self._says(number + 1, person)

    async def _says(self, turn: int, person: Person, *, both: bool = False) -> None:
        """What the screen shows at this moment."""
        said = Said(person)
        self.said.append(said)
        word = check_in_word.word(self.activity, _now()).text
        fields = {
            "MsgType": "text",
            "Content": f"签到 {word}",
            "MsgId": self.platform.world.next_number(),
        }
        letter = self.platform.wecom.letter(person, fields)
        start = time.perf_counter()
        roads = [self._delivered(said, letter, turn + road) for road in range(1 + both)]
        await asyncio.gather(*roads)
        said.seconds = time.perf_counter() - start

    async def _delivered(self, said: Said, letter: str, turn: int) -> None:
        for attempt in range(1 + RETRIES):
            said.posted += 1
            query, body = self.platform.wecom.request(said.person, letter)
            with contextlib.suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
                port = self.ports[(turn + attempt) % len(self.ports)]
                async with asyncio.timeout(PATIENCE_S):
                    answer = await _posted(port, self.platform.wecom.callback, query, body)
                said.answers.append(self._read(answer))
                return

    def _read(self, body: bytes) -> str:
        answer = self.platform.wecom.read_answer(body)
        return str(answer["Content"]) if answer else ""


async def _posted(port: int, path: str, query: dict[str, str], body: bytes) -> bytes:
    """One POST over a connection of its own; the body of a 200, OSError for anything else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"POST {path}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    status, _, content = answer.partition(b"\r\n\r\n")
    if not status.startswith(b"HTTP/1.1 200"):
        raise OSError(status[:40])
    return content


def measure(members: int = MEMBERS, seconds: float = SECONDS, *, over_the_minute: bool = True) -> Figures:
    """One rush on a fresh database; with ``over_the_minute`` the word changes in its middle."""
    with postgresql() as (folder, url):
        platform = Platform(_people(members), lambda *_: (200, b""), _now)
        values = {"database_url": url, "secret_key": SECRET, **platform.settings()}
        app = composition.build(Settings.model_validate(values))
        activity = _prepared(app, members)
        with _served(folder, values) as processes:
            crowd = Crowd(platform, activity, list(processes))
            if over_the_minute:
                time.sleep((60 - seconds / 2 - time.time()) % 60)
            start, cpu = time.perf_counter(), -_cpu_s(processes)
            asyncio.run(crowd.rush(seconds))
            took, cpu = time.perf_counter() - start, cpu + _cpu_s(processes)
        with app.database.read() as session:
            figures = _figures(session, crowd, activity.id, members, took, cpu)
        app.database.dispose()
    return figures


def _figures(session: Session, crowd: Crowd, activity: int, members: int, took: float, cpu: float) -> Figures:
    times = sorted(1000 * one.seconds for one in crowd.said)
    told = Counter(one.person.userid for one in crowd.said if any(DONE in text for text in one.answers))
    odd = [text for one in crowd.said for text in one.answers if DONE not in text and BEFORE not in text]
    assert not odd, f"{len(odd)} strange answers, such as: {odd[0]}"
    there = Counter(session.scalars(_accounts(Attendance).where(Attendance.activity_id == activity)))
    earned = PointEntry.fact.startswith(f"attendance {activity} ")
    entries = Counter(session.scalars(_accounts(PointEntry).where(earned)))
    twice = sum(number > 1 for counted in (told, there, entries) for number in counted.values())
    return Figures(
        members,
        len(crowd.said),
        took,
        times[len(times) // 2],
        times[len(times) * 99 // 100],
        times[-1],
        sum(one.posted > 1 + (len(one.answers) > 1) for one in crowd.said),
        there.total(),
        entries.total(),
        twice,
        members - len(there.keys() & entries.keys()),
        sum(not one.answers for one in crowd.said),
        1000 * cpu / len(crowd.said),
    )


def _accounts(table: type[Attendance] | type[PointEntry]) -> Select[str | None]:
    """Whose rows they are."""
    return select(Member.account).join(table, table.member_id == Member.id)


def _people(members: int) -> list[Person]:
    return [Person(f"成员{n}", f"user{n}", shown=False) for n in range(members)]


def _prepared(app: App, members: int) -> Activity:
    """A branch with everybody, and a theme day in half an hour, published by its secretary in the chat."""
    header = ("姓名", "账号", "工号", "党支部", "党小组", "班组", "身份", "职务")
    rows = [
        (
            n + 2,
            dict(
                zip(
                    header,
                    (p.name, p.userid, f"B{n}", "压测党支部", "", "一班", "正式党员", "" if n else "书记"),
                    strict=True,
                )
            ),
        )
        for n, p in enumerate(_people(members))
    ]
    composition.prepare(app)
    with app.database.write() as session:
        report = roster.import_rows(session, rows, secret=SECRET, now=app.clock())
        assert len(report.added) == members
    begins = app.clock() + timedelta(minutes=30)
    secretary = Phone(app, "user0")
    secretary(f"发布主题党日 {begins:%Y年%m月%d日%H:%M} 三楼会议室 主题:宪法宣传进班组")
    answer = secretary("确认")
    assert f"{members} 人" in answer, answer
    with app.database.read() as session:
        return session.scalars(select(Activity)).one()


@contextlib.contextmanager
def _served(folder: Path, values: dict[str, str]) -> Iterator[dict[int, int]]:
    """The processes of the web, as an operator starts them; the jobs run elsewhere. Yields their pids by port."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHIBU_")}
    environment |= {f"ZHIBU_{name.upper()}": value for name, value in values.items()}
    ports = [free_port() for _ in range(PROCESSES)]
    processes = []
    try:
        for port in ports:
            command = [
                sys.executable,
                "-c",
                "from bot.cli import main; main()",
                "serve",
                "--no-jobs",
                "--port",
                str(port),
            ]
            with (folder / f"{port}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
                )
        for port, process in zip(ports, processes, strict=True):
            _wait_for(port, process, folder / f"{port}.log")
        yield {port: process.pid for port, process in zip(ports, processes, strict=True)}
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def _cpu_s(processes: dict[int, int]) -> float:
    return sum(cpu_s(pid) for pid in processes.values())


def _wait_for(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok:
                return
        assert process.poll() is None, f"the server ended by itself: {log.read_text()[-500:]}"
        time.sleep(0.1)
    raise RuntimeError("the server does not answer")


def run(say: Callable[[str], None] = print) -> Figures:
    """The whole rush."""
    figures = measure()
    say(str(figures))
    return figures


def _now() -> datetime:
    return datetime.now(SHANGHAI)
