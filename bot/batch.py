"""Several waiting messages in one commit: on SQLite only one transaction writes at a time, and its end costs more than its work."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST = 32


class _Place(Generic[Task, Result]):
    """A task in the queue, and its result once it has one."""

    __slots__ = ("done", "result", "task")

    def __init__(self, task: Task) -> None:
        self.task, self.done = task, False
        self.result: Result


class Batch(Generic[Task, Result]):
    """Call it from many threads: whoever gets the turn does what all the waiting ones brought, in the order in which they came.

    ``work`` gets up to :data:`MOST` tasks and returns their results in the same order; it must not raise.
    """

    def __init__(self, work: Callable[[list[Task]], list[Result]]) -> None:
        self._work = work
        self._turn = threading.Lock()
        self._queue: deque[_Place[Task, Result]] = deque()

    def __call__(self, task: Task) -> Result:
        """The result of this task, after its batch is committed."""
        place: _Place[Task, Result] = _Place(task)
        self._queue.append(place)
        while not place.done:
            with self._turn:
                if not place.done:
                    self._do_waiting()
        return place.result

    def _do_waiting(self) -> None:
        places = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
        for place, result in zip(places, self._work([place.task for place in places]), strict=True):
            place.result, place.done = result, True
