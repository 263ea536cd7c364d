"""Figures for Prometheus: how long messages take, counted as they come; and what the database knows, read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from bot.db import Database
from bot.models.outbox import OutboxState
from bot.services import backlog

LATENCY = Histogram(
    "zhibu_message_seconds",
    "From a message's arrival to its stored answer, in this process.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
APOLOGIES = Counter(
    "zhibu_apologies", "Messages that failed in this process and were answered with an apology."
)

Lateness = Callable[[Session, datetime], Mapping[str, timedelta]]
"""How long each job has been due and is not done."""


def exposition(database: Database, now: datetime, lateness: Lateness) -> bytes:
    """The page that Prometheus reads: this process, and the database as one read transaction sees it."""
    registry = CollectorRegistry()
    with database.read() as session:
        registry.register(_Facts(backlog.look(session, now), lateness(session, now)))
    return generate_latest() + generate_latest(registry)


class _Facts(Collector):
    """What was read from the database, as metrics."""

    def __init__(self, outbox: backlog.Backlog, jobs: Mapping[str, timedelta]) -> None:
        self._outbox, self._jobs = outbox, jobs

    def collect(self) -> Iterator[Metric]:
        """The metrics, each with its meaning."""
        seen = self._outbox
        yield _gauge("zhibu_outbox_waiting", "Pushes that wait for their time.", seen.waiting)
        yield _gauge("zhibu_outbox_stuck", "Pushes that nobody takes, or that keep failing.", seen.stuck)
        overdue = "For how long the oldest due push has been due."
        yield _gauge("zhibu_outbox_overdue_seconds", overdue, seen.overdue.total_seconds())
        day = GaugeMetricFamily(
            "zhibu_outbox_last_day", "Pushes written within a day, by what became of them.", labels=["state"]
        )
        for state in OutboxState:
            day.add_metric([state.value], seen.last_day.get(state, 0))
        yield day
        late = GaugeMetricFamily(
            "zhibu_job_late_seconds", "For how long a job has been due and is not done.", labels=["job"]
        )
        for job, lag in self._jobs.items():
            late.add_metric([job], lag.total_seconds())
        yield late


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
