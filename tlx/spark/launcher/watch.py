"""The driver's own eye on a job's limits, for the case that the worker cannot keep them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tlx.spark.isolation.files import STOP_FILE, forget_start, start_of
from tlx.spark.isolation.task import JobTask

LOOK_S = 0.5
"""How often a job's folder is looked at."""

MARGIN_S = 5.0
"""Seconds that a worker has, beyond the limit and the grace, to tell that it ended a job."""


class Watch:
    """Looks after one task until it has ended; a worker that is stopped or hangs does not.

    A job's time runs from when its worker noted the start in the job's folder; a further attempt
    has its own. A job that is to be stopped has its grace, whatever its limit.

    Args:
        task: The task.
        end: Ends a task by force, given its token.
    """

    def __init__(self, task: JobTask, end: Callable[[str], None]) -> None:
        self._task, self._end = task, end
        self._ended = threading.Event()
        self._started: tuple[int, float] | None = None
        self._stopping: float | None = None
        self.is_overdue = False

    def run(self) -> None:
        """Look until the task ends, or end it."""
        while not self._ended.wait(LOOK_S):
            if self._is_over(time.monotonic()):
                self._end(self._task.token)
                return

    def close(self) -> None:
        """Look no longer."""
        self._ended.set()

    def _is_over(self, now: float) -> bool:
        folder, patience = Path(self._task.folder), self._task.grace_s + MARGIN_S
        if self._stopping is None and (folder / STOP_FILE).exists():
            self._stopping = now
        if self._stopping is not None and now - self._stopping > patience:
            return True
        start = start_of(folder)
        if start is None or self._task.timeout_s is None:
            return False
        if self._started is None or self._started[0] != start:
            self._started = (start, now)
        self.is_overdue = now - self._started[1] > self._task.timeout_s + patience
        return self.is_overdue


@contextmanager
def watched(task: JobTask, end: Callable[[str], None]) -> Iterator[Watch]:
    """Watch a task in a thread of its own.

    Args:
        task: The task.
        end: Ends a task by force, given its token.
    """
    watch = Watch(task, end)
    name = f"tlx-watch-{task.number}"
    threading.Thread(target=watch.run, name=name, daemon=True).start()
    try:
        yield watch
    finally:
        watch.close()
        forget_start(Path(task.folder))  # a worker that was killed has left it
