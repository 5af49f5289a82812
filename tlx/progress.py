"""What long work on many images shows: a bar on a terminal, now and then a line in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LINE_EVERY_S = 30.0
log = logging.getLogger("tlx")
_silent: ContextVar[bool] = ContextVar("_silent", default=False)


@contextmanager
def without_bars() -> Iterator[None]:
    """Show no bars while the block runs, not even on a terminal."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def shows_bars() -> bool:
    """Return whether work may draw bars: on a terminal, unless it is to be silent."""
    return sys.stdout.isatty() and not _silent.get()


@contextmanager
def counted(images: int, title: str) -> Iterator[Callable[[int], None]]:
    """Show how many images are done.

    Args:
        images: All that there are to do.
        title: What is done.

    Yields:
        A function to call with the number of images done since the last call.
    """
    if shows_bars():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, transient=True) as bar:
            task = bar.add_task(title, total=images)
            yield lambda count: bar.update(task, advance=count)
    else:
        yield _Lines(images, title).advance


class _Lines:
    def __init__(self, images: int, title: str) -> None:
        self._images, self._title, self._done = images, title, 0
        self._told_at_s = time.monotonic()

    def advance(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._told_at_s >= LINE_EVERY_S:
            self._told_at_s = time.monotonic()
            log.info("%s: %d of %d images", self._title, self._done, self._images)
