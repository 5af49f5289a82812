"""Watch the process of a job from its start to its end, and stop it where it has to stop."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlx.spark.envelope import reason_of_signal
from tlx.spark.isolation.files import STOP_FILE
from tlx.spark.outcome import received

LOOK_S = 0.2
"""How often the stop file is looked for."""


@dataclass
class Watched:
    """A job's process and what is known of it.

    Args:
        pid: The process; it leads its own process group.
        pipe: Where its outcome is read.
        open: Whether the pipe may tell more.
        told: What has been read.
        status: Its wait status, once it has ended.
        peak_memory_mb: Most memory it held, in 10^6 bytes, once it has ended.
        stopped: Why it was asked to stop.
    """

    pid: int
    pipe: int
    open: bool = True
    told: bytes = b""
    status: int | None = None
    peak_memory_mb: float | None = None
    stopped: str | None = None

    @property
    def outcome(self) -> dict[str, Any] | None:
        """What the job told, once it is whole."""
        return received(self.told)


def supervise(pid: int, pipe: int, task: dict[str, Any]) -> dict[str, Any]:
    """Wait for a job's process and return its end as an envelope's fields.

    Args:
        pid: The process, which leads its own process group.
        pipe: The reading end of the pipe to which it tells its outcome.
        task: A `Task` as a dictionary, for its limits.
    """
    watched = Watched(pid, pipe)
    try:
        _watch(watched, task)
    finally:
        _end_group(watched)
        os.close(pipe)
    return _fields(watched, task) | {"peak_memory_mb": watched.peak_memory_mb}


def _watch(watched: Watched, task: dict[str, Any]) -> None:
    """Read until the process has ended; ask it to stop, then kill it, where it must."""
    started, grace_ends = time.monotonic(), None
    stop_file = Path(task["folder"], STOP_FILE)
    next_look = started
    with _ended(watched.pid) as ended:
        while watched.status is None:
            _read(watched, ended)
            _reap(watched)
            now = time.monotonic()
            if watched.stopped is None and now >= next_look:
                watched.stopped = _why_stop(task, now - started, stop_file)
                next_look = now + LOOK_S
                if watched.stopped:
                    _signal_group(watched.pid, signal.SIGTERM)
            if grace_ends is None and (watched.stopped or watched.outcome is not None):
                grace_ends = now + task["grace_s"]
            if grace_ends is not None and now > grace_ends:
                _signal_group(watched.pid, signal.SIGKILL)


def _why_stop(task: dict[str, Any], seconds: float, stop_file: Path) -> str | None:
    if task["timeout_s"] is not None and seconds > task["timeout_s"]:
        return "timed_out"
    return "cancelled" if stop_file.exists() else None


def _fields(watched: Watched, task: dict[str, Any]) -> dict[str, Any]:
    outcome = watched.outcome
    is_whole = outcome is not None and outcome["status"] == "completed"
    if watched.stopped and outcome is not None and outcome.get("is_none"):
        is_whole = False  # a handler of its own that ends in `sys.exit(0)`: it left early
    if watched.stopped == "timed_out" and not is_whole:
        return {"status": "timed_out", "reason": f"longer than timeout_s={task['timeout_s']:g}"}
    if watched.stopped == "cancelled" and not is_whole:
        return {"status": "cancelled", "reason": "stopped while it ran"}
    if outcome is not None:
        return {"exit_code": 0 if outcome["status"] == "completed" else 1} | outcome
    assert watched.status is not None
    code = os.waitstatus_to_exitcode(watched.status)
    if code < 0:
        return {"status": "killed", "signal": -code, "reason": reason_of_signal(-code)}
    reason = f"its process ended with exit code {code} before the job returned"
    return {"status": "failed", "exit_code": code, "reason": reason}


def _read(watched: Watched, ended: int | None) -> None:
    """Wait a moment for news: the outcome, or the end of the process."""
    sources = [watched.pipe] * watched.open + ([] if ended is None else [ended])
    ready, _, _ = select.select(sources, [], [], LOOK_S if ended is not None else 0.02)
    if watched.open and watched.pipe in ready:
        content = os.read(watched.pipe, 1 << 20)
        watched.told += content
        watched.open = bool(content)


def _reap(watched: Watched) -> None:
    if watched.status is not None:
        return
    pid, status, usage = os.wait4(watched.pid, os.WNOHANG)
    if pid:
        watched.status = status
        unit = 1 if sys.platform == "darwin" else 1024
        watched.peak_memory_mb = round(usage.ru_maxrss * unit / 1e6, 1)
        _drain(watched)


def _drain(watched: Watched) -> None:
    """Read what the process told in its last moment."""
    while watched.open and select.select([watched.pipe], [], [], 0)[0]:
        content = os.read(watched.pipe, 1 << 20)
        watched.told += content
        watched.open = bool(content)


def _end_group(watched: Watched) -> None:
    """Leave nothing behind: what the job started and did not end goes with it."""
    _signal_group(watched.pid, signal.SIGKILL)
    if watched.status is None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(watched.pid, 0)


def _signal_group(pid: int, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signum)


@contextlib.contextmanager
def _ended(pid: int) -> Iterator[int | None]:
    """Give a file that becomes readable when a process ends, or None where there is no such."""
    try:
        file = os.pidfd_open(pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield file
    finally:
        os.close(file)
