"""A job in a fork of its worker: nothing has to be imported again."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from tlx.spark.isolation.child import enter, leave, run_and_tell
from tlx.spark.isolation.inherited import draw_anew, forget_exit_functions, forget_task
from tlx.spark.isolation.orphans import children
from tlx.spark.isolation.supervise import supervise
from tlx.spark.isolation.task import JobTask


def run_forked(task: JobTask) -> dict[str, Any]:
    """Run a job in a fork and return its end as an envelope's fields.

    Args:
        task: What to run.
    """
    known = children(os.getpid())
    reading, writing = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _live(task, writing, parent, reading)
    _lead(pid)
    return supervise(pid, (reading, writing), task, known)


def unsafe_to_fork() -> str | None:
    """Return why a fork would not work here, or None where it does."""
    if sys.platform == "darwin":
        return "macOS"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "CUDA is in use in the worker"
    return None


def _live(task: JobTask, pipe: int, parent: int, reading: int) -> None:
    """Be the job. No way out of here leads back into the worker's code."""
    try:
        os.setpgid(0, 0)
        forget_exit_functions()
        forget_task()
        draw_anew()
        run_and_tell(task, enter(task, parent, pipe, reading))
        leave()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _lead(pid: int) -> None:
    """Make the fork the leader of its group; it does so too, whoever comes first."""
    try:
        os.setpgid(pid, pid)
    except (ProcessLookupError, PermissionError):
        return
