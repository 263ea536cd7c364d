"""Serving: one process with web (waitress), jobs and delivery, stopped gracefully; or the jobs alone."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from bot import app as composition
from bot.app import App
from scheduler import runner

log = logging.getLogger("zhibu.server")

THREADS = 16


def serve(app: App, host: str, port: int, *, jobs: bool = True) -> None:
    """Answer on ``host:port`` until SIGTERM or SIGINT; messages in flight are answered before it ends."""
    from waitress import create_server

    composition.warm(app)
    handle = runner.start(app.node) if jobs else None
    flask = composition.create_flask(app, wake=handle.wake if handle else lambda: None)
    server = create_server(flask, host=host, port=port, threads=THREADS, ident="zhibu", max_request_body_size=1024 * 1024, clear_untrusted_proxy_headers=True)
    _on_stop(server.close)
    log.info("listening on http://%s:%d", host, port)
    try:
        server.run()
    finally:
        server.task_dispatcher.shutdown(cancel_pending=False, timeout=10)
        if handle:
            handle.stop()
        app.database.dispose()


def run_jobs(app: App) -> None:
    """Scheduler and delivery without web, until SIGTERM or SIGINT."""
    stop = threading.Event()
    _on_stop(stop.set)
    handle = runner.start(app.node)
    stop.wait()
    handle.stop()
    app.database.dispose()


def _on_stop(stop: object) -> None:
    def stopped(_signal: int, _frame: FrameType | None) -> None:
        assert callable(stop)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopped)
