"""Tasks that were loaded in this process, for runs that want the same again.

A worker of a sweep loads a task before it forks its jobs, so that they find it in memory and share
the pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlx.data.source import TaskSource
    from tlx.data.task import Task

MOST_BYTES = 4_000_000_000
"""How much is kept; the oldest goes first."""

_kept: dict[str, Task] = {}
_asked: set[str] = set()


def load_and_keep(asked: str, source: Callable[[], TaskSource]) -> None:
    """Load a task and keep it for `loaded`, where this was not asked before.

    Args:
        asked: What names the task, such as its options as text.
        source: Gives the task's source, which may cost time.
    """
    if asked in _asked:
        return
    _asked.add(asked)
    found = source()
    _kept[repr(found)] = found.load()
    while len(_kept) > 1 and sum(map(_bytes, _kept.values())) > MOST_BYTES:
        del _kept[next(iter(_kept))]


def loaded(source: TaskSource) -> Task:
    """Return a source's task: the one that was kept, or freshly loaded."""
    kept = _kept.get(repr(source))
    return source.load() if kept is None else kept


def _bytes(task: Task) -> int:
    return sum(split.inputs.nbytes for split in task.splits.values())
