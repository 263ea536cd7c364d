"""The one source of time, injected everywhere, so that the demo and the tests can move it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Real time in a zone, plus an offset that only the demo and the tests change."""

    def __init__(self, zone: ZoneInfo, *, start: datetime | None = None) -> None:
        self.zone = zone
        self._lock = threading.Lock()
        self._frozen = start
        self._offset = timedelta()

    def __call__(self) -> datetime:
        """The aware time now, in the zone."""
        with self._lock:
            base = self._frozen or datetime.now(UTC)
            return (base + self._offset).astimezone(self.zone)

    def sleep(self, step: timedelta) -> None:
        """Move forward without waiting."""
        with self._lock:
            self._offset += step

    def jump(self, to: datetime) -> None:
        """Move to a moment; backwards is refused, because nothing that happened can be undone by a clock."""
        step = to - self()
        if step < timedelta():
            raise ValueError("the clock does not go back")
        self.sleep(step)
