"""Runs what is due: each job's slots are computed from its cron trigger since its last claim, and each slot is claimed once in the database.

Any number of nodes may run; the demo and the tests call :func:`run_due` with their own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.chat import Channel
from bot.config import Settings
from bot.db import Database


@dataclass(frozen=True, slots=True)
class Node:
    """What a job may use. ``clock`` is the injected one; ``name`` is written into claims."""

    database: Database
    channels: Mapping[str, Channel]
    settings: Settings
    clock: Callable[[], datetime]
    name: str
