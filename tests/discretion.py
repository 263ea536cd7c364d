"""The log of the whole test run is read for what it must not hold: secrets, access tokens and telephone numbers."""

from __future__ import annotations

import logging
import re

from pydantic import SecretStr

from bot.config import Settings

TELEPHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
ACCESS_TOKEN = re.compile(r"access_token=[\w-]{8}|Bearer ")
LONG_ENOUGH = 8
"""Shorter secrets of a test are words that may stand in a line by chance."""


class Discretion(logging.Handler):
    """Keeps the lines of one test, with their tracebacks, and knows the secrets that were used so far."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.secrets: set[str] = set()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line as it would be written; not those of the server that plays the platform in tests."""
        if record.name != "werkzeug":
            self.lines.append(self.format(record))

    def learn(self, settings: Settings) -> None:
        """The secrets of these settings must not be seen from now on."""
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if isinstance(value, SecretStr) and len(value.get_secret_value()) >= LONG_ENOUGH:
                self.secrets.add(value.get_secret_value())

    def indiscretions(self) -> list[str]:
        """The lines that say too much."""
        return [
            line
            for line in self.lines
            if TELEPHONE.search(line)
            or ACCESS_TOKEN.search(line)
            or any(secret in line for secret in self.secrets)
        ]


WATCH = Discretion()
