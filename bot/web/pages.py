"""Members' pages that open from a link in the chat. Every link carries its own signed right; there is no login."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint

from bot.config import Settings
from bot.db import Database


def blueprint(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Blueprint:
    """The pages below /m/."""
    return Blueprint("pages", __name__, template_folder="templates", static_folder="static")
