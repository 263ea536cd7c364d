"""Serving: one process with web (waitress), jobs and delivery, stopped gracefully; or the jobs alone."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from bot import app as composition
from bot.answering import Loop
from bot.app import App
from bot.web.webhook import PATHS
from scheduler import runner

log = logging.getLogger("zhibu.server")


def serve(app: App, host: str, port: int, *, jobs: bool = True) -> None:
    """Answer on ``host:port`` until SIGTERM or SIGINT; messages in flight are answered before it ends."""
    stopping = threading.Event()
    composition.warm(app)
    handle = runner.start(app.node) if jobs else None
    flask = composition.create_flask(app, wake=handle.wake if handle else lambda: None)
    loop = Loop(
        flask,
        PATHS,
        stopping,
        host=host,
        port=port,
        max_request_body_size=1024 * 1024,
        clear_untrusted_proxy_headers=True,
    )
    _on_stop(stopping.set)
    log.info("listening on http://%s:%d", host, port)
    try:
        loop.run()
    finally:
        if handle:
            handle.stop()
        app.database.dispose()
    log.info("stopped")


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
