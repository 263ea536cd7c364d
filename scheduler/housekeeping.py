"""Forgets what is no longer needed, a batch at a time, at night.

Kept: answers to messages 30 days (a platform repeats within minutes), runs of jobs 60 days, what became of a push 400 days (a year of notices
and the time to report on it). Notices and receipts stay.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from bot.db import Base
from bot.models.identity import Inbox
from bot.models.job import JobRun
from bot.models.outbox import Outbox, OutboxState
from scheduler.runner import Jobs, Node

jobs = Jobs()

INBOX_KEPT, JOB_RUNS_KEPT, OUTBOX_KEPT = timedelta(days=30), timedelta(days=60), timedelta(days=400)
BATCH = 500
OPEN = (OutboxState.WAITING, OutboxState.HELD)


@jobs.cron("housekeeping", hour="3", minute="17", catch_up=timedelta(hours=20))
def clean(node: Node, now: datetime) -> None:
    """Give up what nobody will see any more, then delete what is past its time."""
    _expire(node, now)
    _prune(node, Inbox, (Inbox.id,), Inbox.answered_at < now - INBOX_KEPT)
    old = Outbox.created_at < now - OUTBOX_KEPT
    _prune(node, Outbox, (Outbox.id,), old & Outbox.state.not_in(OPEN))
    # The newest slot stays, or the job would not know since when it has missed slots.
    other = aliased(JobRun)
    newest = select(func.max(other.slot)).where(other.job == JobRun.job).correlate(JobRun).scalar_subquery()
    _prune(
        node, JobRun, (JobRun.job, JobRun.slot), (JobRun.slot < now - JOB_RUNS_KEPT) & (JobRun.slot < newest)
    )


def _expire(node: Node, now: datetime) -> None:
    useless = (Outbox.state == OutboxState.HELD, Outbox.expires_at <= now)
    with node.database.write() as session:
        session.execute(update(Outbox).where(*useless).values(state=OutboxState.EXPIRED))


def _prune(
    node: Node, table: type[Base], key: tuple[InstrumentedAttribute[object], ...], old: ColumnElement[bool]
) -> None:
    """Delete old rows in small transactions, so that no member waits behind them."""
    while True:
        with node.database.write() as session:
            some = session.execute(select(*key).where(old).limit(BATCH)).all()
            if some:
                session.execute(delete(table).where(tuple_(*key).in_(some)))
        if len(some) < BATCH:
            return
