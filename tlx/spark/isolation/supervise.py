"""Watch the process of a job from its start to its end, and stop it where it has to stop."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlx.spark.isolation.answer import Answer
from tlx.spark.isolation.files import STOP_FILE, forget_start, note_start
from tlx.spark.isolation.orphans import end_children, end_orphans_of_workers
from tlx.spark.isolation.task import JobTask
from tlx.spark.launcher.job.envelope import reason_of_signal

LOOK_S = 0.2
"""How often the stop file is looked for."""

DRAIN_S = 5.0
"""Most seconds for reading what an ended process told; one that it left may go on writing."""

SPOILT = (
    "the job's end cannot be read: something else was written to the descriptor over which it is "
    "told. The job, or a library that it calls, writes to a descriptor that it did not open."
)


@dataclass
class Watched:
    """A job's process and what is known of it.

    Args:
        pid: The process; it leads its own process group.
        pipe: Where its message is read.
        answer: What has been read.
        status: Its wait status, once it has ended.
        peak_memory_mb: Most memory it held, in 10^6 bytes, once it has ended.
        stopped: Why it was asked to stop.
    """

    pid: int
    pipe: int
    answer: Answer = field(default_factory=Answer)
    status: int | None = None
    peak_memory_mb: float | None = None
    stopped: str | None = None


def supervise(pid: int, pipe: tuple[int, int], task: JobTask, known: set[int]) -> dict[str, Any]:
    """Wait for a job's process and return its end as an envelope's fields.

    Args:
        pid: The process, which leads its own process group.
        pipe: Both ends of the pipe over which it tells its message. The writing end stays open
            here: the end of the job is the end of its process, whoever else holds the pipe.
        task: What it runs, for its limits.
        known: This process's children before it started the job.
    """
    watched = Watched(pid, pipe[0])
    note_start(Path(task.folder))
    try:
        _watch(watched, task)
    finally:
        _end_job(watched, known)
        forget_start(Path(task.folder))
        for end in pipe:
            os.close(end)
    return _fields(watched, task) | {"peak_memory_mb": watched.peak_memory_mb}


def _watch(watched: Watched, task: JobTask) -> None:
    """Read until the process has ended; ask it to stop, then kill it, where it must."""
    started, grace_ends = time.monotonic(), None
    stop_file = Path(task.folder, STOP_FILE)
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
                    _signal(watched, signal.SIGTERM)
            if grace_ends is None and (watched.stopped or watched.answer.message is not None):
                grace_ends = now + task.grace_s
            if grace_ends is not None and now > grace_ends:
                _signal(watched, signal.SIGKILL)


def _why_stop(task: JobTask, seconds: float, stop_file: Path) -> str | None:
    if task.timeout_s is not None and seconds > task.timeout_s:
        return "timed_out"
    return "cancelled" if stop_file.exists() else None


def _fields(watched: Watched, task: JobTask) -> dict[str, Any]:
    message = watched.answer.message
    is_whole = message is not None and message["status"] == "completed"
    if watched.stopped and message is not None and message.get("is_none"):
        is_whole = False  # a handler of its own that ends in `sys.exit(0)`: it left early
    if watched.stopped == "timed_out" and not is_whole:
        return {"status": "timed_out", "reason": f"longer than timeout_s={task.timeout_s:g}"}
    if watched.stopped == "cancelled" and not is_whole:
        return {"status": "cancelled", "reason": "stopped while it ran"}
    if message is not None:
        return {"exit_code": 0 if message["status"] == "completed" else 1} | message
    assert watched.status is not None
    code = os.waitstatus_to_exitcode(watched.status)
    if code < 0:
        return {"status": "killed", "signal": -code, "reason": reason_of_signal(-code)}
    if watched.answer.is_spoilt:
        return {"status": "failed", "exit_code": code, "error": SPOILT}
    reason = f"its process ended with exit code {code} before the job returned"
    return {"status": "failed", "exit_code": code, "reason": reason}


def _read(watched: Watched, ended: int | None) -> None:
    """Wait a moment for news: the message, or the end of the process."""
    sources = [watched.pipe] + ([] if ended is None else [ended])
    ready, _, _ = select.select(sources, [], [], LOOK_S if ended is not None else 0.02)
    if watched.pipe in ready:
        watched.answer.add(os.read(watched.pipe, 1 << 20))


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
    ends = time.monotonic() + DRAIN_S
    while select.select([watched.pipe], [], [], 0)[0] and time.monotonic() < ends:
        watched.answer.add(os.read(watched.pipe, 1 << 20))


def _end_job(watched: Watched, known: set[int]) -> None:
    """Leave nothing behind: what the job started and did not end goes with it."""
    _signal(watched, signal.SIGKILL)
    if watched.status is None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(watched.pid, 0)
    end_children(known)
    end_orphans_of_workers()


def _signal(watched: Watched, signum: signal.Signals) -> None:
    """Signal a job's process group, and its process, which may have left that group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(watched.pid, signum)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if watched.status is None and os.getpgid(watched.pid) != watched.pid:
            os.kill(watched.pid, signum)


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
