"""Waitress's main loop, which also answers messages: the thread that reads them answers all that have come, together, and writes.

With a thread for each message, handing the interpreter from one to the next costs more than the messages (see CONTRIBUTING.md). What is not a
message goes to waitress's own threads. Whoever was heard is answered before the loop ends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

from bot.batch import MOST, gather

log = logging.getLogger("zhibu.answering")

THREADS = 8
"""Of waitress, for what is not a message: pages, pictures, downloads."""
HELD_UP_S = 0.05
"""When messages hold up the loop for longer, another thread takes it over; the first one ends with its messages."""
MOST_HELD_UP = 8
"""So many threads may be held up at the same time; after that everybody waits."""
BACKLOG = 64
PATIENCE_S = 10
"""How long messages in flight may take when the process is to end; the platform hangs up after five."""


class Loop:
    """A server for ``application`` with waitress's ``adjustments``, listening at once and answering while :meth:`run` runs.

    Requests to the paths in ``messages`` are answered by the thread of the loop; such a request must not wait for another one.
    """

    def __init__(
        self, application: Any, messages: Iterable[str], stopping: threading.Event, **adjustments: Any
    ) -> None:
        self._messages, self._stopping = frozenset(messages), stopping
        self._sockets: dict[int, Any] = {}
        create_server(application, map=self._sockets, ident="zhibu", threads=THREADS, **adjustments)
        self._arrived: deque[HTTPChannel] = deque()
        self._guard = threading.Lock()
        self._owner: threading.Thread | None = None
        self._busy_since: float | None = None
        self._threads: list[threading.Thread] = []
        self._until: float | None = None
        for listener in self._listeners():
            self._others = listener.task_dispatcher
            listener.task_dispatcher = self

    def add_task(self, channel: HTTPChannel) -> None:
        """What waitress calls with a connection that has a whole request."""
        if getattr(channel.requests[0], "path", "") in self._messages:  # what is no HTTP has no path
            self._arrived.append(channel)
        else:
            self._others.add_task(channel)

    def run(self) -> None:
        """Read, answer and write until ``stopping`` is set, and then the end that waitress does not have.

        Its ``close()`` would also close the pipe by which its threads tell that an answer is ready: the answers would be lost, and bytes be
        written to whatever file gets that number next.
        """
        owner = self._start()
        while owner.is_alive() and not self._out_of_patience():
            owner.join(HELD_UP_S)
            if self._held_up():
                owner = self._start()
        # Only now what is left is closed: connections kept open by a proxy, and the pipe.
        self._others.shutdown(cancel_pending=False, timeout=PATIENCE_S)
        wasyncore.close_all(self._sockets)
        if not self._stopping.is_set():
            raise RuntimeError("the loop broke off")

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._turns, name="answering", daemon=True)
        with self._guard:
            self._owner, self._busy_since = thread, None
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()
        return thread

    def _held_up(self) -> bool:
        with self._guard:
            since = self._busy_since
            return since is not None and time.monotonic() - since > HELD_UP_S and self._one_more()

    def _one_more(self) -> bool:
        return sum(one.is_alive() for one in self._threads) <= MOST_HELD_UP

    def _out_of_patience(self) -> bool:
        return self._until is not None and time.monotonic() > self._until

    def _turns(self) -> None:
        while not self._stopping.is_set():
            if not self._turn(1):
                return
        self._last_turns()

    def _turn(self, seconds: float) -> bool:
        """Wait so long for something to read or write, then answer what has come; False when another thread has the loop now."""
        self._listen(0 if self._arrived else seconds)
        while self._arrived:
            channels = [self._arrived.popleft() for _ in range(min(MOST, len(self._arrived)))]
            with self._guard:
                self._busy_since = time.monotonic()
            gather([partial(_serve, channel) for channel in channels])
            with self._guard:
                if self._owner is not threading.current_thread():
                    return False
                self._busy_since = None
        return True

    def _listen(self, seconds: float) -> None:
        """Read and write what can be, again as long as that brings somebody: waitress lets in one new connection at a time, and reads it the next time."""
        before = self._present()
        self._once(seconds)
        while (present := self._present()) != before and len(self._arrived) < MOST:
            before = present
            self._once(0)

    def _once(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._sockets, count=1)

    def _present(self) -> tuple[int, int]:
        return len(self._sockets), len(self._arrived)

    def _last_turns(self) -> None:
        self._until = self._until or time.monotonic() + PATIENCE_S
        if not all(self._turn(0) for _ in range(BACKLOG)):  # who has knocked already is let in, one at a time
            return
        for listener in self._listeners():
            wasyncore.dispatcher.close(listener)
        while self._turn(0.1) and self._is_talking() and not self._out_of_patience():
            pass  # what they have said already is heard and answered

    def _listeners(self) -> list[Any]:
        return [one for one in self._sockets.values() if isinstance(one, BaseWSGIServer)]

    def _is_talking(self) -> bool:
        """Whether somebody is sending a request, waits for an answer, or has not got all of it."""
        channels = [one for one in self._sockets.values() if isinstance(one, HTTPChannel)]
        return any(one.request or one.requests or one.total_outbufs_len for one in channels)


def _serve(channel: HTTPChannel) -> None:
    try:
        channel.service()
    except (
        BaseException
    ):  # as waitress's own threads do: whatever one request breaks, the others are answered
        log.exception("a request broke off")
