"""The process of one job: its streams, its limits, its end. Also run as a program."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import pickle
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from tlx.spark.isolation.answer import AnswerPipe
from tlx.spark.isolation.inherited import close_descriptors, forget_spark, reset_signals
from tlx.spark.isolation.task import JobTask

PR_SET_PDEATHSIG = 1


def enter(task: JobTask, parent: int, pipe: int, reading: int) -> AnswerPipe:
    """Make this process a job's own: process group, streams, folder, variables, threads.

    Args:
        task: What to run.
        parent: The process that supervises this one; when it dies, so does this one.
        pipe: Where this process tells its end.
        reading: The supervisor's number of the pipe's other end.

    Returns:
        The pipe, which is all that is left of the descriptors that this process was given.
    """
    die_with(parent)
    answer = AnswerPipe.moved(pipe, parent, reading)
    close_descriptors(kept=answer.descriptor)
    _open_streams(task)
    reset_signals()
    forget_spark(os.environ)
    prepare(task)
    return answer


def prepare(task: JobTask) -> None:
    """Set the folder, the search path, the variables and the threads of a job."""
    with contextlib.suppress(OSError):  # an executor elsewhere may not have the driver's folder
        os.chdir(task.cwd)
    add_to_path(task.sys_path)
    os.environ.update(task.environment)
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(task.threads)))
    torch = sys.modules.get("torch")
    if torch is not None:  # variables come too late for a library that is loaded
        torch.set_num_threads(task.threads)


def add_to_path(entries: list[str]) -> None:
    """Let this process find the modules that the driver finds."""
    known = set(sys.path)
    sys.path.extend(entry for entry in entries if entry not in known)


def run_and_tell(task: JobTask, answer: AnswerPipe) -> None:
    """Run a job and tell its end."""
    from tlx.spark.launcher.job.job_end import outcome_of_exception

    try:
        message = run(task)
    except BaseException as error:  # what Hydra's `run_job` lets through
        message = outcome_of_exception(error)
    answer.send(message)


def run(task: JobTask) -> dict[str, Any]:
    """Run a job here, or several together, or what they share, and return the end."""
    if task.part is not None or task.group:
        from tlx.spark.launcher.grouped import run_group, run_part

        return run_group(task) if task.group else run_part(task)
    from tlx.spark.launcher.job.hydra_job import run_packed_job
    from tlx.spark.launcher.job.job_end import outcome_of

    job = run_packed_job(task.context, task.config, task.may_resume)
    return outcome_of(job, task.max_return_bytes)


def leave() -> None:
    """End this process as Python would; what its parent registered was forgotten at the fork."""
    import logging
    from multiprocessing import util

    ends = (threading._shutdown, atexit._run_exitfuncs, util._exit_function, logging.shutdown)  # type: ignore[attr-defined]
    for end in ends:
        with contextlib.suppress(BaseException):
            end()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, where the kernel can (Linux)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call
        os._exit(1)


def _open_streams(task: JobTask) -> None:
    from tlx.spark.isolation.files import log_files

    out, err = log_files(Path(task.folder), task.attempt)
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
        os.dup2(file, number)
        os.close(file)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def main() -> None:
    """Run the task on stdin; the arguments are what `enter` wants to know besides."""
    pipe, parent, reading = map(int, sys.argv[1:4])
    task = JobTask.from_builtins(pickle.loads(sys.stdin.buffer.read()))
    run_and_tell(task, enter(task, parent, pipe, reading))
    leave()


if __name__ == "__main__":
    main()
