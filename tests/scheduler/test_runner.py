"""Slots: each claimed once, missed ones caught up by rule, lost ones run once more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.models.job import JobRun
from scheduler import runner
from scheduler.runner import Job, Jobs, Node, run_due


@pytest.fixture
def ran() -> list[datetime]:
    """When the job of these tests ran."""
    return []


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch, ran: list[datetime]) -> Jobs:
    """One job, at five past every hour, in the place of the product's own."""
    family = Jobs()
    family.cron("hourly", minute="5", catch_up=timedelta(hours=3))(lambda node, now: ran.append(now))
    monkeypatch.setattr(runner, "discover", lambda: iter(family.all))
    return family


def outcomes(node: Node) -> list[str]:
    with node.database.read() as session:
        return list(session.scalars(select(JobRun.outcome).order_by(JobRun.slot)))


def test_the_first_look_only_starts_the_count(
    node: Node, clock: Clock, jobs: Jobs, ran: list[datetime]
) -> None:
    assert run_due(node, clock()) == 0
    clock.sleep(timedelta(minutes=4))
    assert run_due(node, clock()) == 0
    clock.sleep(timedelta(minutes=1))
    assert run_due(node, clock()) == 1
    assert run_due(node, clock()) == 0
    assert len(ran) == 1
    assert outcomes(node) == ["first", "done"]


def test_four_nodes_at_once_run_a_slot_once(
    make_node: Callable[..., Node], clock: Clock, jobs: Jobs, ran: list[datetime]
) -> None:
    nodes = [make_node(name=f"node {n}") for n in range(4)]
    run_due(nodes[0], clock())
    for _ in range(5):
        clock.sleep(timedelta(hours=1))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda node: run_due(node, clock()), nodes))
    assert len(ran) == 5
    assert outcomes(nodes[0]).count("done") == 5


def test_slots_missed_by_downtime_are_one_run(
    node: Node, clock: Clock, jobs: Jobs, ran: list[datetime]
) -> None:
    run_due(node, clock())
    clock.sleep(timedelta(days=3))
    assert run_due(node, clock()) == 1
    assert run_due(node, clock()) == 0
    with node.database.read() as session:
        newest = session.scalar(select(JobRun.slot).order_by(JobRun.slot.desc()))
    assert newest == clock().replace(hour=8, minute=5)
    assert ran == [clock()]


def test_a_slot_older_than_its_rule_is_skipped_and_said_so(
    node: Node,
    clock: Clock,
    ran: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    daily = Job("daily", lambda node, now: ran.append(now), {"hour": "12", "minute": "5"}, timedelta(hours=6))
    monkeypatch.setattr(runner, "discover", lambda: iter([daily]))
    run_due(node, clock())
    clock.sleep(timedelta(hours=14))
    assert run_due(node, clock()) == 0
    assert ran == []
    assert outcomes(node) == ["first", "skipped"]
    assert "too old" in caplog.text
    clock.sleep(timedelta(hours=14))
    assert run_due(node, clock()) == 1


def test_a_failing_job_is_logged_and_the_others_run(
    node: Node, clock: Clock, jobs: Jobs, ran: list[datetime], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(node: Node, now: datetime) -> None:
        raise LookupError("broken on purpose")

    jobs.all.insert(0, Job("failing", fail, {"minute": "5"}, timedelta(hours=3)))
    run_due(node, clock())
    clock.sleep(timedelta(minutes=5))
    assert run_due(node, clock()) == 2
    assert len(ran) == 1
    assert "broken on purpose" in caplog.text
    assert sorted(outcomes(node)) == ["done", "failed", "first", "first"]


def test_a_run_lost_with_its_node_is_repeated_once(
    node: Node, clock: Clock, jobs: Jobs, ran: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(node: Node, now: datetime) -> None:
        raise KeyboardInterrupt

    run_due(node, clock())
    work, jobs.all[0] = jobs.all[0], Job("hourly", die, {"minute": "5"}, timedelta(hours=3))
    clock.sleep(timedelta(minutes=5))
    with pytest.raises(KeyboardInterrupt):
        run_due(node, clock())
    assert outcomes(node) == ["first", ""]
    jobs.all[0] = work
    clock.sleep(timedelta(minutes=9))
    assert run_due(node, clock()) == 0
    clock.sleep(timedelta(minutes=1))
    assert run_due(node, clock()) == 1
    clock.sleep(timedelta(minutes=11))
    assert run_due(node, clock()) == 0
    assert outcomes(node) == ["first", "done"]


def test_a_run_lost_twice_is_given_up(
    node: Node, clock: Clock, jobs: Jobs, ran: list[datetime], caplog: pytest.LogCaptureFixture
) -> None:
    run_due(node, clock())
    with node.database.write() as session:
        slot = clock() + timedelta(minutes=5)
        session.add(JobRun(job="hourly", slot=slot, node="dead", claimed_at=slot, outcome="again"))
    clock.sleep(timedelta(minutes=20))
    assert run_due(node, clock()) == 0
    assert outcomes(node) == ["first", "lost"]
    assert "was lost" in caplog.text


def test_the_products_own_jobs_are_found() -> None:
    assert {"study", "reminders", "tokens", "housekeeping"} <= {job.name for job in runner.discover()}


def test_a_started_node_delivers_when_woken_and_stops(node: Node) -> None:
    handle = runner.start(node)
    handle.wake()
    handle.stop()
    assert not handle._sender.is_alive()
