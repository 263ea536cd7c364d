"""Sixty days with three nodes that die at random, also in the middle of a job or between sending and recording, and two downtimes of all.

The clock is injected, the platform is the simulator, the jobs are the product's own.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import Database
from bot.models.job import JobRun
from bot.models.outbox import Outbox
from bot.services.setting import STUDY_ENDS
from bot.simulator import world
from scheduler import runner
from scheduler.delivery import deliver
from scheduler.runner import Job, Node
from tests.faults import phones
from tests.faults.rig import DATABASES, MORNING, SECRET, SHANGHAI, fill
from tests.stage import Stage

RISK = 0.002
"""That a node dies at one of the three ends of a writing transaction."""
LONGEST_DEATH = 180
MOST_STEP = 45

Slot = tuple[str, datetime]


class Killed(BaseException):
    """The process is gone; nothing catches it, nothing is tidied up."""


@dataclass(frozen=True)
class Figures:
    """What the days came to."""

    days: int
    deaths: int
    slots: int
    runs_repeated: int
    studies: int
    pushes: int
    pushed_twice: int
    seconds: float


class Mortal:
    """The database as a node sees it that may die before a transaction, in it, or right after its commit."""

    def __init__(self, database: Database, dies: Callable[[], bool]) -> None:
        self._database, self._dies = database, dies
        self.sqlite, self.engine = database.sqlite, database.engine

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction, if one lives to see its end."""
        self._perhaps()
        with self._database.write() as session:
            yield session
            self._perhaps()
        self._perhaps()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Reading kills nobody."""
        with self._database.read() as session:
            yield session

    def _perhaps(self) -> None:
        if self._dies():
            raise Killed


@dataclass
class Watch:
    """The jobs of the product, each noting for which slot it was begun and ended."""

    begun: Counter[Slot] = field(default_factory=Counter)
    ended: Counter[Slot] = field(default_factory=Counter)

    def over(self, job: Job) -> Job:
        """The same job, watched."""

        def run(node: Node, now: datetime) -> None:
            mine = (JobRun.job == job.name, JobRun.node == node.name, JobRun.finished_at.is_(None))
            with node.database.read() as session:
                slot = session.scalars(
                    select(JobRun.slot).where(*mine).order_by(JobRun.claimed_at.desc())
                ).first()
            assert slot is not None, f"{job.name} runs without a claim"
            self.begun[job.name, slot] += 1
            job.run(node, now)
            self.ended[job.name, slot] += 1

        return replace(job, run=run)


class Fleet:
    """Three nodes, some of them dead."""

    def __init__(self, stage: Stage, chance: random.Random, jobs: list[Job]) -> None:
        self.stage, self.chance, self.jobs = stage, chance, jobs
        self.mortal = True
        self.deaths = 0
        self.back_at = [stage.clock()] * 3
        self.nodes = [self._born(number) for number in range(3)]

    def tick(self, now: datetime) -> bool:
        """Every living node looks once; whether there was one."""
        alive = [number for number in range(3) if self.back_at[number] <= now]
        for number in self.chance.sample(alive, len(alive)):
            try:
                runner.run_due(self.nodes[number], now)
                deliver(self.nodes[number], now)
            except Killed:
                self.deaths += 1
                self.back_at[number] = now + timedelta(minutes=self.chance.randint(1, LONGEST_DEATH))
                self.nodes[number] = self._born(number)
        return bool(alive)

    def down_until(self, moment: datetime) -> None:
        """All die."""
        self.back_at = [moment] * 3

    def _born(self, number: int) -> Node:
        name = f"node {number}, life {self.deaths}"
        database = Mortal(self.stage.bot.database, lambda: self.mortal and self.chance.random() < RISK)
        return replace(self.stage.bot.node, database=cast(Any, database), name=name)


@dataclass(frozen=True)
class Downtime:
    """All nodes are dead from ``start`` to ``end``."""

    start: datetime
    end: datetime


def downtimes(start: datetime) -> tuple[Downtime, Downtime]:
    """A whole working day until after midnight, and a morning."""
    night = start.replace(hour=3, minute=0) + timedelta(days=1)
    morning = night.replace(hour=8) + timedelta(days=2)
    return Downtime(night, night + timedelta(hours=21, minutes=10)), Downtime(
        morning, morning + timedelta(hours=5)
    )


def run(
    database: str, days: int, seed: int, *, most_step: int = MOST_STEP, say: Callable[[str], object] = print
) -> Figures:
    """One run; AssertionError says what did not hold."""
    say(f"{database}: {days} days, seed {seed}")
    began, chance = time.monotonic(), random.Random(seed)
    world.KEPT = 10**6
    clock = Clock(SHANGHAI, start=MORNING)
    with DATABASES[database]() as (_, url):
        fill(url, clock)
        stage, watch = Stage(url, clock, secret=SECRET), Watch()
        jobs = [watch.over(job) for job in runner.discover()]
        with _instead(jobs):
            fleet = Fleet(stage, chance, jobs)
            _live(stage, fleet, chance, days, most_step)
        with stage.bot.database.read() as session:
            _examine_slots(session, watch)
            studies = _examine_study(session, stage, days)
            twice = phones.seen(stage.platform) - phones.sent(session)
            assert not phones.sent(session) - phones.seen(stage.platform), "recorded as sent, and on no phone"
            pushes = sum(phones.sent(session).values())
        stage.close()
    assert sum(twice.values()) <= fleet.deaths, f"pushed twice: {twice}"
    assert not stage.platform.problems
    repeated = sum(number - 1 for number in watch.begun.values())
    seconds = round(time.monotonic() - began, 1)
    figures = Figures(
        days, fleet.deaths, len(watch.begun), repeated, studies, pushes, sum(twice.values()), seconds
    )
    say(f"  {figures}")
    return figures


@contextmanager
def _instead(jobs: list[Job]) -> Iterator[None]:
    """The runner finds these jobs."""
    found = runner.discover
    runner.discover = lambda: iter(jobs)
    try:
        yield
    finally:
        runner.discover = found


def _live(stage: Stage, fleet: Fleet, chance: random.Random, days: int, most_step: int) -> None:
    clock = stage.clock
    end, planned = clock() + timedelta(days=days), list(downtimes(clock()))
    next_day = clock().replace(hour=10, minute=0)
    while clock() < end:
        clock.sleep(timedelta(minutes=chance.randint(1, most_step)))
        if planned and clock() >= planned[0].start:
            _lie_down(stage, fleet, planned.pop(0))
        if clock() >= next_day:
            next_day += timedelta(days=7)
            _publish(stage)
        fleet.tick(clock())
    fleet.mortal = False
    for _ in range(6):  # long enough for what dead nodes have left
        clock.sleep(timedelta(minutes=MOST_STEP))
        fleet.tick(clock())


def _lie_down(stage: Stage, fleet: Fleet, downtime: Downtime) -> None:
    """A downtime, and the first look after it: each job catches up by its own rule, once."""
    fleet.down_until(downtime.end)
    while stage.clock() < downtime.end - timedelta(minutes=10):
        stage.clock.sleep(timedelta(minutes=5))
        assert not fleet.tick(stage.clock())
    stage.clock.jump(downtime.end)
    fleet.mortal = False
    fleet.tick(stage.clock())
    fleet.mortal = True
    now = stage.clock()
    for job in fleet.jobs:
        _caught_up(stage, job, downtime, now)


def _caught_up(stage: Stage, job: Job, downtime: Downtime, now: datetime) -> None:
    with stage.bot.database.read() as session:
        mine = select(JobRun).where(
            JobRun.job == job.name, JobRun.slot > downtime.start, JobRun.claimed_at == now
        )
        rows = session.scalars(mine).all()
    found = job.slot(stage.bot.node, downtime.start, now)
    if found is None:
        return
    _, wanted = found
    assert [row.outcome for row in rows] == ["done" if wanted else "skipped"], f"{job.name} after a downtime"


def _publish(stage: Stage) -> None:
    """A theme day in four days, through the chat; its people are reminded and nudged."""
    day = stage.clock() + timedelta(days=4)
    stage.say(
        "王建国", f"发布主题党日 {day.month}月{day.day}日14:30 三楼会议室 主题:{day.month}月{day.day}日学习"
    )
    stage.say("王建国", "确认")
    stage.say("张伟", "报名")


def _examine_slots(session: Session, watch: Watch) -> None:
    """Every slot has one row with an end; it was begun once, and once more only where the first was lost."""
    for row in session.scalars(select(JobRun)):
        slot = (row.job, row.slot)
        assert row.finished_at is not None, f"{slot} has no end"
        ran = row.outcome not in (runner.FIRST, "skipped")
        assert row.outcome != "failed", f"{slot} failed"
        if ran and row.outcome == "done":
            assert watch.begun[slot] in (1, 2)
            assert watch.ended[slot] in (1, 2)
    assert max(watch.begun.values()) <= 2
    assert {"study", "reminders", "tokens", "cadence"} <= {name for name, _ in watch.begun}


def _examine_study(session: Session, stage: Stage, days: int) -> int:
    """Each member got each day's study at most once, in the day, and not on the day that all was down."""
    lost, late = downtimes(MORNING)
    keys = list(session.scalars(select(Outbox.key).where(Outbox.key.startswith("study "))))
    assert len(keys) == len(set(keys))
    dates = {key.split()[1] for key in keys}
    assert str(lost.start.date()) not in dates, "the study of the missed day was pushed after midnight"
    assert {str(late.start.date()), str((lost.end).date())} <= dates
    for person in stage.platform.world.people:
        for bubble in stage.platform.phone(person, "wecom"):
            if bubble.pushed and "今日学习" in bubble.text[:10]:
                assert bubble.at.astimezone(SHANGHAI).time() < STUDY_ENDS
    assert days / 3 < len(dates) <= days + 2
    return len(keys)


def main(arguments: list[str]) -> None:
    """``time [DAYS [SEED]]``: sixty days on SQLite and ten on PostgreSQL."""
    days = int(arguments[0]) if arguments else 60
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(10**6)
    run("sqlite", days, seed)
    run("postgresql", max(days // 6, 4), seed)
