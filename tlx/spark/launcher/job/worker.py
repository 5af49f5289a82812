"""What a Spark worker does with one job. It never raises for the job's fault."""

from __future__ import annotations

import contextlib
import gc
import importlib
import platform
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tlx.spark.isolation.child import add_to_path
from tlx.spark.isolation.files import STOP_FILE, keep_envelope, kept_envelope, log_tail
from tlx.spark.isolation.task import JobTask
from tlx.spark.launcher.job.envelope import Envelope
from tlx.spark.pickling import loads

_LEARNED: set[str] = set()
"""Modules of jobs that ended well here: they are safe to import before the next fork."""


def run_in_worker(task: JobTask) -> dict[str, Any]:
    """Run one job and return its envelope as a dictionary.

    Args:
        task: What to run, with `attempt` as Spark counts it.
    """
    folder = Path(task.folder)
    earlier = kept_envelope(folder, task.token) if task.attempt else None
    if earlier is not None:
        return earlier
    if (folder / STOP_FILE).exists():
        stopped = Envelope(status="cancelled", reason="stopped before it ran")
        return stopped.to_builtins()
    add_to_path(task.sys_path)
    preload(task.preload)
    started_at, started = _now(), time.perf_counter()
    try:
        fields = _isolated(task)
    except Exception as error:  # of the launcher itself: no fork, no file, a full disk
        from tlx.spark.launcher.job.job_end import outcome_of_exception

        fields = outcome_of_exception(error) | {"status": "lost"}
    envelope = Envelope.from_builtins(fields)
    envelope.seconds = round(time.perf_counter() - started, 3)
    envelope.started_at, envelope.finished_at = started_at, _now()
    envelope.host, envelope.attempt = platform.node(), task.attempt
    if envelope.status != "completed":
        envelope.log_tail = log_tail(folder, task.attempt)
    with contextlib.suppress(OSError):
        keep_envelope(folder, task.token, envelope.to_builtins())
    return envelope.to_builtins()


def preload(modules: Iterable[str]) -> None:
    """Import modules once, for every fork to come; a missing one is the job's own affair.

    What is there then is no garbage: Spark has each worker look for garbage after each task, which
    takes a fifth of a second over the million objects of torch and its like, and would copy the
    memory that forks share.
    """
    missing = [name for name in [*modules, *_LEARNED] if name not in sys.modules]
    for name in missing:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if missing:
        gc.freeze()


def share(task: JobTask) -> None:
    """Load what the jobs to come share, here in the worker, so that its forks find it in memory.

    What goes wrong in it is the job's own affair: it loads for itself, and tells.

    Args:
        task: What to run.
    """
    if task.hooks is None:
        return
    torch = sys.modules.get("torch")
    if torch is not None:  # OpenMP's threads would not survive the fork
        torch.set_num_threads(1)
    with contextlib.suppress(Exception):
        from tlx.spark.launcher.compose import task_config
        from tlx.spark.launcher.sweep_hooks import load_hooks

        configs = [member.config for member in task.group] or [task.config]
        for config in configs:
            load_hooks(task.hooks).share(task_config(loads(config)))


def _isolated(task: JobTask) -> dict[str, Any]:
    from tlx.spark.isolation.fork import run_forked, unsafe_to_fork
    from tlx.spark.isolation.fresh import run_fresh
    from tlx.spark.isolation.here import run_here
    from tlx.spark.isolation.orphans import end_orphans_of_workers, take_in_orphans

    if task.isolation == "none":
        return run_here(task)
    take_in_orphans()
    end_orphans_of_workers()
    if task.isolation == "subprocess" or unsafe_to_fork():
        return run_fresh(task)
    share(task)
    fields = run_forked(task)
    if fields["status"] == "completed":
        _LEARNED.update(task.learn)
    return fields


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
