"""Waitress's main loop with an end: whoever was heard is answered before it returns."""

from __future__ import annotations

import threading
import time
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

BACKLOG = 64
PATIENCE_S = 10
"""How long messages in flight may take when the process is to end; the platform hangs up after five."""


def answer_until(stopping: threading.Event, sockets: dict[int, Any]) -> None:
    """Waitress's main loop over its own ``sockets``, and then the end that waitress does not have.

    Its ``close()`` would also close the pipe by which its threads tell that an answer is ready: the answers would be lost, and bytes be
    written to whatever file gets that number next.
    """

    def once(seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=sockets, count=1)

    while not stopping.is_set():
        once(1)
    for _ in range(BACKLOG):  # who has knocked already is let in, one at a time
        once(0)
    for listener in _listeners(sockets):
        wasyncore.dispatcher.close(listener)
    once(0.1)  # what they have said already is heard
    until = time.monotonic() + PATIENCE_S
    while _busy(sockets) and time.monotonic() < until:
        once(0.1)


def finish(server: Any, sockets: dict[int, Any]) -> None:
    """End the threads, and only then close what is left: connections kept open by a proxy, and the pipe."""
    server.task_dispatcher.shutdown(cancel_pending=False, timeout=PATIENCE_S)
    wasyncore.close_all(sockets)


def _listeners(sockets: dict[int, Any]) -> list[Any]:
    return [one for one in sockets.values() if isinstance(one, BaseWSGIServer)]


def _busy(sockets: dict[int, Any]) -> bool:
    """Whether somebody is sending a request, waits for an answer, or has not got all of it."""
    channels = [one for one in sockets.values() if isinstance(one, HTTPChannel)]
    return any(one.request or one.requests or one.total_outbufs_len for one in channels)
