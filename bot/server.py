"""Serving: one process with web (waitress), jobs and delivery, stopped gracefully; or the jobs alone."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from bot import app as composition
from bot.app import App
from scheduler import runner

log = logging.getLogger("zhibu.server")

THREADS = 32
SWITCH_S = 0.05
"""How long a thread may compute before another takes over (Python's own default is 0.005). Every SQLite call lets the others in; with short turns
they keep cutting into the one that holds the transaction, and messages wait singly instead of in batches (bot/batch.py)."""
BACKLOG = 64
PATIENCE_S = 10
"""How long messages in flight may take when the process is to end; the platform hangs up after five."""


def serve(app: App, host: str, port: int, *, jobs: bool = True) -> None:
    """Answer on ``host:port`` until SIGTERM or SIGINT; messages in flight are answered before it ends."""
    from waitress.server import create_server

    stopping = threading.Event()
    sockets: dict[int, Any] = {}
    sys.setswitchinterval(SWITCH_S)
    composition.warm(app)
    handle = runner.start(app.node) if jobs else None
    flask = composition.create_flask(app, wake=handle.wake if handle else lambda: None)
    server = create_server(
        flask,
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        ident="zhibu",
        max_request_body_size=1024 * 1024,
        clear_untrusted_proxy_headers=True,
    )
    _on_stop(stopping.set)
    log.info("listening on http://%s:%d", host, port)
    try:
        answer_until(stopping, sockets)
    finally:
        server.task_dispatcher.shutdown(cancel_pending=False, timeout=PATIENCE_S)
        if handle:
            handle.stop()
        app.database.dispose()
    log.info("stopped")


def answer_until(stopping: threading.Event, sockets: dict[int, Any]) -> None:
    """Waitress's main loop over its own ``sockets``, and then the end that waitress does not have.

    Its ``close()`` would also close the pipe by which its threads tell that an answer is ready: the answers would be lost, and bytes be
    written to whatever file gets that number next.
    """
    from waitress import wasyncore

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


def _listeners(sockets: dict[int, Any]) -> list[Any]:
    from waitress.server import BaseWSGIServer

    return [one for one in sockets.values() if isinstance(one, BaseWSGIServer)]


def _busy(sockets: dict[int, Any]) -> bool:
    """Whether somebody is sending a request, waits for an answer, or has not got all of it."""
    from waitress.channel import HTTPChannel

    channels = [one for one in sockets.values() if isinstance(one, HTTPChannel)]
    return any(one.request or one.requests or one.total_outbufs_len for one in channels)


def run_jobs(app: App) -> None:
    """Scheduler and delivery without web, until SIGTERM or SIGINT."""
    stop = threading.Event()
    _on_stop(stop.set)
    handle = runner.start(app.node)
    stop.wait()
    handle.stop()
    app.database.dispose()


def _on_stop(stop: Callable[[], None]) -> None:
    def stopped(_signal: int, _frame: FrameType | None) -> None:
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopped)
