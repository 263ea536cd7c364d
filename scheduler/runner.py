"""Runs what is due: each job's slots are computed from its cron trigger since its last claim, and each slot is claimed once in the database.

Any number of nodes may run; the demo and the tests call :func:`run_due` with their own clock. A job asks the database "what is due and not yet
done", so running it late, twice, or on two machines does no harm.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import scheduler
from bot.chat import Channel
from bot.config import Settings
from bot.db import Database, upsert
from bot.models.job import JobRun
from scheduler.delivery import deliver

log = logging.getLogger("zhibu.jobs")

TICK_S = 5
LOST_AFTER = timedelta(minutes=10)
"""A claim without an end for so long was left by a node that died."""
RESOLUTION = timedelta(microseconds=1)

FIRST, RUNNING, AGAIN = "first", "", "again"
"""Outcomes of a :class:`JobRun` that are not an end: where counting starts, a first run, a second one after the first was lost."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a job may use. ``clock`` is the injected one; ``name`` is written into claims."""

    database: Database
    channels: Mapping[str, Channel]
    settings: Settings
    clock: Callable[[], datetime]
    name: str


Work = Callable[[Node, datetime], None]


@dataclass(frozen=True, slots=True)
class Job:
    """``run`` is called at the newest slot of ``cron`` that was missed, unless it is older than ``catch_up``."""

    name: str
    run: Work
    cron: Mapping[str, str]
    catch_up: timedelta

    def slot(self, node: Node, last: datetime, now: datetime) -> tuple[datetime, bool] | None:
        """The slot to claim since ``last`` and whether it is still to be run; None when none came up.

        All missed slots are one: only those not older than ``catch_up`` are counted through, so that a year of downtime costs nothing.
        """
        trigger = CronTrigger(timezone=node.settings.zone, **self.cron)
        missed = _next(trigger, last)
        if missed > now:
            return None
        slot = _next(trigger, max(last, now - self.catch_up - RESOLUTION))
        if slot > now:
            return missed, False
        while (following := _next(trigger, slot)) <= now:
            slot = following
        return slot, True


def _next(trigger: CronTrigger, after: datetime) -> datetime:
    found: datetime = trigger.get_next_fire_time(None, after + RESOLUTION)
    return found


class Jobs:
    """The jobs of one module."""

    def __init__(self) -> None:
        self.all: list[Job] = []

    def cron(
        self, name: str, *, catch_up: timedelta = timedelta(hours=6), **fields: str
    ) -> Callable[[Work], Work]:
        """Run the function at the slots of a cron trigger (``minute="*/5"``, ``hour="3"``, ``day_of_week="sun"``) in the branch's zone.

        Weekdays are written as words: numbers start with Monday here and with Sunday in a crontab.
        """

        def register(work: Work) -> Work:
            self.all.append(Job(name, work, fields, catch_up))
            return work

        return register


def discover() -> Iterator[Job]:
    """All jobs of ``scheduler/``: a new file with ``jobs = Jobs()`` is a new family, no list to edit."""
    for info in pkgutil.iter_modules(scheduler.__path__):
        found = getattr(importlib.import_module(f"{scheduler.__name__}.{info.name}"), "jobs", None)
        if isinstance(found, Jobs):
            yield from found.all


def lateness(session: Session, zone: ZoneInfo, now: datetime) -> dict[str, timedelta]:
    """For how long each job has been due and is not done; zero for one that is not due, or that no node has seen yet."""
    return {job.name: _late(session, job, zone, now) for job in discover()}


def _late(session: Session, job: Job, zone: ZoneInfo, now: datetime) -> timedelta:
    slots = select(JobRun.slot).where(JobRun.job == job.name)
    newest = session.scalar(slots.order_by(JobRun.slot.desc()).limit(1))
    if newest is None:
        return timedelta()
    undone = session.scalar(slots.where(JobRun.finished_at.is_(None)).order_by(JobRun.slot).limit(1))
    due = _next(CronTrigger(timezone=zone, **job.cron), newest)
    return max(now - (undone or due), timedelta())


def run_due(node: Node, now: datetime) -> int:
    """Run every job that has a slot since its last claim, and what a dead node left; returns how many ran here."""
    return sum(_run_if_due(node, job, now) for job in discover())


def _run_if_due(node: Node, job: Job, now: datetime) -> bool:
    last, lost = _looked_up(node, job, now)
    if last is None:
        _claim(node, job, now, now, outcome=FIRST)
        return False
    ran = lost is not None and _taken_over(node, job, lost, now) and _run(node, job, lost, now)
    due = job.slot(node, last, now)
    if due is None:
        return ran
    slot, wanted = due
    if not _claim(node, job, slot, now, outcome=RUNNING if wanted else "skipped"):
        return ran
    if not wanted:
        log.warning("job %s: the slots since %s are too old to be caught up", job.name, last)
        return ran
    return _run(node, job, slot, now)


def _looked_up(node: Node, job: Job, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The newest slot of a job, and an older one whose run was lost."""
    mine = select(JobRun.slot).where(JobRun.job == job.name).order_by(JobRun.slot.desc()).limit(1)
    lost = mine.where(JobRun.finished_at.is_(None), JobRun.claimed_at <= now - LOST_AFTER)
    with node.database.read() as session:
        return session.scalar(mine), session.scalar(lost)


def _claim(node: Node, job: Job, slot: datetime, now: datetime, *, outcome: str) -> bool:
    """Whether the slot is this node's: the database lets one of all nodes write the row."""
    row = {
        "job": job.name,
        "slot": slot,
        "node": node.name,
        "claimed_at": now,
        "finished_at": None if outcome == RUNNING else now,
        "outcome": outcome,
    }
    with node.database.write() as session:
        insert = upsert(session, JobRun).values(row).on_conflict_do_nothing().returning(JobRun.slot)
        return session.execute(insert).first() is not None


def _taken_over(node: Node, job: Job, slot: datetime, now: datetime) -> bool:
    """Whether a lost run is to be repeated here. It is repeated once, and only while it is worth it."""
    lost = (JobRun.job == job.name, JobRun.slot == slot, JobRun.claimed_at <= now - LOST_AFTER)
    open_ = (*lost, JobRun.finished_at.is_(None))
    again = update(JobRun).where(*open_, JobRun.outcome == RUNNING).returning(JobRun.slot)
    with node.database.write() as session:
        if (
            now - slot <= job.catch_up
            and session.execute(again.values(outcome=AGAIN, claimed_at=now, node=node.name)).first()
        ):
            return True
        session.execute(update(JobRun).where(*open_).values(outcome="lost", finished_at=now))
    log.error("job %s: the run of %s was lost", job.name, slot)
    return False


def _run(node: Node, job: Job, slot: datetime, now: datetime) -> bool:
    done = _survived(f"job {job.name} of {slot}", lambda: job.run(node, now))
    outcome = "done" if done else "failed"
    with node.database.write() as session:
        mine = (JobRun.job == job.name, JobRun.slot == slot)
        session.execute(update(JobRun).where(*mine).values(outcome=outcome, finished_at=node.clock()))
    return True


def _survived(what: str, work: Callable[[], object]) -> bool:
    """Whether the work was done; whatever it raised is logged, because the next tick must come."""
    try:
        work()
    except Exception:
        log.exception("%s failed", what)
        return False
    return True


class Running:
    """A started scheduler: a tick every five seconds, and a thread that delivers whenever it is woken."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._due, self._stopping = threading.Event(), threading.Event()
        self._ticks = BackgroundScheduler(timezone=node.settings.zone)
        self._ticks.add_job(self._tick, "interval", seconds=TICK_S, max_instances=1, coalesce=True)
        self._sender = threading.Thread(target=self._deliver, name="delivery", daemon=True)

    def start(self) -> Running:
        """Begin; the first tick comes after five seconds, the first delivery at once."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._ticks.start()
        self._sender.start()
        self.wake()
        return self

    def wake(self) -> None:
        """Deliver now, e.g. after a message; it costs nothing when nothing is due."""
        self._due.set()

    def stop(self) -> None:
        """Finish what is being done and return; nothing more is begun."""
        self._stopping.set()
        self.wake()
        self._ticks.shutdown(wait=True)
        self._sender.join()

    def _tick(self) -> None:
        run_due(self._node, self._node.clock())
        self.wake()

    def _deliver(self) -> None:
        while self._due.wait() and not self._stopping.is_set():
            self._due.clear()
            _survived(
                "delivery",
                lambda: deliver(self._node, self._node.clock(), stopping=self._stopping.is_set),
            )


def start(node: Node) -> Running:
    """Start ticking and delivering in the background; ``stop()`` the result before the process ends."""
    return Running(node).start()
