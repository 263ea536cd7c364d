"""Several waiting messages in one commit: the end of a transaction, and changing from one thread to another, cost more than its work."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST = 32
PATIENCE_S = 1.0
"""Nobody waits longer for a lane: a message that takes long, or that itself waits for a lock, does not hold up the others."""


class _Place(Generic[Task, Result]):
    """A task in the queue, and its result once it has one."""

    __slots__ = ("result", "task", "together", "woken")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.result: list[Result] = []  # empty, or the one
        self.together = True
        self.woken = threading.Lock()
        self.woken.acquire()


class Batch(Generic[Task, Result]):
    """Call it from many threads. A task that finds a free lane is done at once. Those that find none wait; when a lane is free, the first of them
    does all of them together, in the order in which they came.

    ``together`` gets 2 to :data:`MOST` tasks and returns their results in the same order, or None when it did nothing: then each thread does its
    own with ``alone``. Neither may raise.
    """

    def __init__(
        self,
        together: Callable[[Sequence[Task]], Sequence[Result] | None],
        alone: Callable[[Task], Result],
        lanes: int = 1,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._together, self._alone = together, alone
        self._free, self._patience_s = lanes, patience_s
        self._guard = threading.Lock()
        self._queue: deque[_Place[Task, Result]] = deque()

    def __call__(self, task: Task) -> Result:
        """The result of this task, after its batch is committed."""
        place: _Place[Task, Result] = _Place(task)
        if self._has_lane(place):
            self._lead(place)
        return place.result[0] if place.result else self._alone(task)

    def _has_lane(self, place: _Place[Task, Result]) -> bool:
        """Take a free lane, or wait until one is handed over; False when the task was done meanwhile, or is to be done alone."""
        with self._guard:
            if self._free:
                self._free -= 1
                return True
            self._queue.append(place)
        if not place.woken.acquire(timeout=self._patience_s):
            with self._guard:
                if place in self._queue:
                    self._queue.remove(place)
                    return False
            place.woken.acquire()
        return place.together and not place.result

    def _lead(self, own: _Place[Task, Result]) -> None:
        """Do the own task and what else is waiting; hand the lane to the next that waits, then wake the thread of each task."""
        with self._guard:
            places = [own, *(self._queue.popleft() for _ in range(min(MOST - 1, len(self._queue))))]
        tasks = [place.task for place in places]
        results = self._together(tasks) if len(tasks) > 1 else [self._alone(own.task)]
        with self._guard:
            following = self._queue.popleft() if self._queue else None
            self._free += following is None
        if following is not None:
            following.woken.release()
        for n, place in enumerate(places):
            place.together = results is not None
            place.result = [] if results is None else [results[n]]
            place.woken.release()
