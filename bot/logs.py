"""Logging: one line an event, with time and level, to standard error. Message texts, names and secrets are never logged."""

from __future__ import annotations

import logging


def configure(level: int) -> None:
    """Set up the root logger once, at the start of a command."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("apscheduler", "urllib3", "waitress.queue", "alembic", "jieba"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
