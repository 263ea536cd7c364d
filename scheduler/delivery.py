"""Sends what the outbox holds: claimed in one transaction, sent outside any, recorded in another.

A process that dies between sending and recording repeats at most that one call, which WeCom's duplicate check then drops.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from bot.chat import SendError
from bot.services import delivery, outbox, recall
from bot.services.outbox import Group
from bot.services.recall import Order

if TYPE_CHECKING:
    from scheduler.runner import Node

log = logging.getLogger("zhibu.delivery")

MOST_ROUNDS = 400
LEASE_USED = delivery.LEASE * 3 / 4
"""What was claimed so long ago is given back untried, because another sender might soon take it."""


def deliver(node: Node, now: datetime, *, stopping: Callable[[], bool] = lambda: False) -> int:
    """Send what is due at ``now`` and what becomes due meanwhile; returns how many people got something."""
    take_back(node, now)
    reached = 0
    for _ in range(MOST_ROUNDS):
        at = max(now, node.clock())
        batch = _claim(node, at)
        if batch.looked_at == 0:
            break
        reached += _send_all(node, batch.groups, at, stopping)
        if stopping():
            break
    return reached


def take_back(node: Node, now: datetime) -> None:
    """Ask the platforms for what was called back. A call that is made twice does no harm."""
    with node.database.read() as session:
        if not recall.is_due(session, now):
            return
    with node.database.write() as session:
        orders = recall.claim(session, now)
    for order in orders:
        _take_back(node, order, now)


def _take_back(node: Node, order: Order, now: datetime) -> None:
    error = _asked_back(node, order, now)
    with node.database.write() as session:
        if error is None:
            recall.record_recalled(session, order, node.clock())
        else:
            recall.record_failed(session, order, node.clock(), code=error.code, permanent=error.permanent)


def _asked_back(node: Node, order: Order, now: datetime) -> SendError | None:
    """What the platform said to the call; None when it took the message back."""
    channel = node.channels.get(order.channel)
    if channel is None:
        return SendError(0, "the channel is not set up any more", permanent=True)
    try:
        channel.recall(order.platform_id, now)
    except SendError as error:
        log.warning("taking back %s through %s: %s", order.platform_id, order.channel, error)
        return error
    return None


def _claim(node: Node, now: datetime) -> delivery.Batch:
    with node.database.read() as session:
        if not delivery.is_due(session, now):
            return delivery.Batch([], 0)
    with node.database.write() as session:
        return delivery.claim(session, now, node.channels)


def _send_all(node: Node, groups: list[Group], claimed_at: datetime, stopping: Callable[[], bool]) -> int:
    reached = 0
    resting: set[str] = set()
    for group in groups:
        late = max(claimed_at, node.clock()) - claimed_at > LEASE_USED
        if group.channel in resting or late or stopping():
            # The next look finds another way to these people, or lets them wait as long as the channel rests.
            with node.database.write() as session:
                outbox.release(session, [group], claimed_at)
            continue
        reached += _send(node, group, claimed_at, resting)
    return reached


def _send(node: Node, group: Group, claimed_at: datetime, resting: set[str]) -> int:
    """One call and its record. ``resting`` learns through which channels the platform wants no more calls."""
    try:
        sent = node.channels[group.channel].send(group.users, group.body, claimed_at)
    except SendError as error:
        _failed(node, group, error, resting)
        return 0
    except Exception:
        # The lease brings it back in a minute; after eight attempts it is given up.
        log.exception("a message to %d people through %s failed", len(group.parcels), group.channel)
        return 0
    with node.database.write() as session:
        at = max(claimed_at, node.clock())
        return outbox.record_sent(session, group, at, platform_id=sent.platform_id, unreached=sent.unreached)


def _failed(node: Node, group: Group, error: SendError, resting: set[str]) -> None:
    if error.code in outbox.CONFIGURATION:
        log.error(
            "channel %s is not set up rightly, nothing goes out until that is mended; run `zhibu doctor`: %s",
            group.channel,
            error,
        )
    else:
        log.warning("a message to %d people through %s: %s", len(group.parcels), group.channel, error)
    with node.database.write() as session:
        until = outbox.record_failed(
            session,
            group,
            node.clock(),
            code=error.code,
            permanent=error.permanent,
            retry_after=error.retry_after,
        )
    if until is not None:
        resting.add(group.channel)
