"""A bounded number of jobs at a time, each of them a Spark job of its own."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


@dataclass
class _Work(Generic[Result]):
    run: Callable[[], Result]
    future: Future[Result]


class Pool(Generic[Result]):
    """Threads that take work from one queue, first come, first served.

    The threads are daemons and the queue can be emptied: unlike `ThreadPoolExecutor`, leaving
    early neither runs what is queued nor waits for what hangs.

    Args:
        size: How many at a time.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._queue: queue.SimpleQueue[_Work[Result] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"tlx-job-{index}", daemon=True)
            for index in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, run: Callable[[], Result]) -> Future[Result]:
        """Queue a function; its result or its exception arrives in the future."""
        future: Future[Result] = Future()
        self._queue.put(_Work(run, future))
        return future

    def cancel_queued(self) -> None:
        """Cancel everything that has not started."""
        with contextlib.suppress(queue.Empty):
            while True:
                work = self._queue.get_nowait()
                if work is not None:
                    work.future.cancel()

    def close(self) -> None:
        """Cancel what is queued and let each thread end after what it runs."""
        self.cancel_queued()
        self.finish()

    def finish(self) -> None:
        """Let each thread end after what it runs, and after what is queued."""
        for _ in self._threads:
            self._queue.put(None)

    def _work(self) -> None:
        while True:
            work: Any = self._queue.get()
            if work is None:
                return
            if not work.future.set_running_or_notify_cancel():
                continue
            try:
                work.future.set_result(work.run())
            except BaseException as error:
                work.future.set_exception(error)
            del work


def in_background(run: Callable[[], Result]) -> Future[Result]:
    """Run one function in a thread of its own; its result or exception arrives in the future."""
    pool: Pool[Result] = Pool(1)
    future = pool.submit(run)
    pool.finish()
    return future
