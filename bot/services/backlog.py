"""How the outbox is doing: what waits, how long it has been due, what does not get through, and what became of the last day's pushes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from bot.models.outbox import Outbox, OutboxState
from bot.services.outbox import CHANNEL_RESTS

TOO_OLD = timedelta(minutes=10)
"""How long a push may be due, or fail, before somebody must look."""
SEVERAL_TRIES = 3
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Backlog:
    """``overdue`` is how long the oldest due push has been due; ``stuck`` counts those that nobody takes or the platform turns away."""

    waiting: int
    overdue: timedelta
    stuck: int
    last_day: Mapping[OutboxState, int]


def look(session: Session, now: datetime) -> Backlog:
    """The state of the outbox at a moment, in three queries that use its indexes."""
    waiting = Outbox.state == OutboxState.WAITING
    count, oldest = session.execute(select(func.count(), func.min(Outbox.available_at)).where(waiting)).one()
    stuck = session.scalar(select(func.count()).where(waiting, _stuck(now))) or 0
    recent = select(Outbox.state, func.count()).where(Outbox.created_at > now - DAY).group_by(Outbox.state)
    ends = {row[0]: row[1] for row in session.execute(recent)}
    return Backlog(count, max(now - oldest, timedelta()) if oldest else timedelta(), stuck, ends)


def _stuck(now: datetime) -> ColumnElement[bool]:
    """Nobody takes it although it is due; or it has failed several times; or its whole channel rests. Waiting for the morning is none of these."""
    turned_away = and_(
        Outbox.code != 0, or_(Outbox.attempts >= SEVERAL_TRIES, Outbox.code.in_(CHANNEL_RESTS))
    )
    return or_(Outbox.available_at <= now - TOO_OLD, and_(Outbox.created_at <= now - TOO_OLD, turned_away))
