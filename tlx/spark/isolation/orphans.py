"""Processes that a job started and left behind, in whatever session or group they hide.

On Linux a process can be made the one to which orphans below it fall, instead of to the machine's
first process. A worker does so, and finds what its job left among its own children. Spark's Python
daemon does so too, for what a worker leaves that died itself. Elsewhere only the job's own process
group is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36

END_S = 2.0
"""Most seconds in which processes that were killed are waited for."""

_daemon: int | None = None
"""The process of Spark's daemon, where it takes in orphans; workers know it by their fork."""


def take_in_orphans() -> bool:
    """Have orphans below this process become its children; return whether the system does so."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def take_in_as_daemon() -> None:
    """Take in the orphans of workers, and tell the workers to come that this process does."""
    global _daemon
    if take_in_orphans():
        _daemon = os.getpid()


def children(pid: int) -> set[int]:
    """Return the processes whose parent a process is; none where the system does not tell."""
    found: set[int] = set()
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found |= set(map(int, (thread / "children").read_text().split()))
    except OSError:
        return found
    return found


def end_children(known: set[int]) -> None:
    """Kill this process's children and what falls to it from below them, and reap them.

    Args:
        known: Children that stay.
    """
    _end(lambda: children(os.getpid()) - known)


def end_orphans_of_workers() -> None:
    """Kill what is left of jobs whose worker died: the daemon holds it, outside its own group."""
    if _daemon is None or _daemon != os.getppid():
        return
    with contextlib.suppress(ProcessLookupError):
        group = os.getpgid(_daemon)
        _end(lambda: {pid for pid in children(os.getppid()) if _group(pid) not in (group, None)})


def _end(left: Callable[[], set[int]]) -> None:
    """Kill until nothing is left: a killed process's own children come up only then."""
    ends = time.monotonic() + END_S
    while (found := left()) and time.monotonic() < ends:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return None
