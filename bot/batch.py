"""Several waiting messages in one commit: the end of a transaction, and changing from one thread to another, cost more than the work between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from greenlet import getcurrent, greenlet

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST = 32


class Batch(Generic[Task, Result]):
    """Call it with a task to get its result. Called within :func:`gather`, a task waits until the others have come as far, and all are done together.

    ``together`` gets 2 to :data:`MOST` tasks and returns their results in the same order; ``alone`` does one. What they raise, each caller gets.
    """

    def __init__(
        self, together: Callable[[Sequence[Task]], Sequence[Result]], alone: Callable[[Task], Result]
    ) -> None:
        self._together, self._alone = together, alone

    def __call__(self, task: Task) -> Result:
        """The result of this task, after its batch is committed."""
        caller = getcurrent()
        if not isinstance(caller, _Call):
            return self._alone(task)
        caller.waits_for, caller.task = self, task
        result: Result = caller.gathering.switch()
        return result

    def do(self, tasks: Sequence[Task]) -> Sequence[Result]:
        """The results in the same order."""
        return self._together(tasks) if len(tasks) > 1 else [self._alone(tasks[0])]


class _Call(greenlet):
    """A call that may stop halfway and go on in the same thread; while it stands still it says what it waits for."""

    def __init__(self, run: Callable[[], object], gathering: greenlet) -> None:
        super().__init__(run, gathering)
        self.gathering = gathering
        self.waits_for: Batch[Any, Any] | None = None
        self.task: Any = None


def gather(calls: Sequence[Callable[[], object]]) -> None:
    """Make the calls, each up to the batch it waits for; then do the batch and let each go on. All of it in this thread, and none may raise."""
    standing = []
    for run in calls:
        call = _Call(run, getcurrent())
        call.switch()
        standing.append(call)
    while standing := [call for call in standing if not call.dead]:
        batch = standing[0].waits_for
        assert batch is not None, "a call stands still only to wait for a batch"
        now = [call for call in standing if call.waits_for is batch][:MOST]
        try:
            results = batch.do([call.task for call in now])
        except BaseException as error:
            for call in now:
                call.throw(error)
        else:
            for call, result in zip(now, results, strict=True):
                call.switch(result)
