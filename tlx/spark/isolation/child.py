"""The process of one job: its streams, its limits, its end. Also run as a program."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

PR_SET_PDEATHSIG = 1


def enter(task: dict[str, Any], parent: int) -> None:
    """Make this process a job's own: process group, streams, folder, variables, threads.

    Args:
        task: A `Task` as a dictionary.
        parent: The process that supervises this one; when it dies, so does this one.
    """
    die_with(parent)
    _open_streams(task)
    for signum in (signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(signum, signal.SIG_IGN if signum == signal.SIGPIPE else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    prepare(task)


def prepare(task: dict[str, Any]) -> None:
    """Set the folder, the search path, the variables and the threads of a job."""
    with contextlib.suppress(OSError):  # an executor elsewhere may not have the driver's folder
        os.chdir(task["cwd"])
    add_to_path(task["sys_path"])
    os.environ.update(task["environment"])
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(task["threads"])))
    torch = sys.modules.get("torch")
    if torch is not None:  # variables come too late for a library that is loaded
        torch.set_num_threads(task["threads"])


def add_to_path(entries: list[str]) -> None:
    """Let this process find the modules that the driver finds."""
    known = set(sys.path)
    sys.path.extend(entry for entry in entries if entry not in known)


def run_and_tell(task: dict[str, Any], pipe: int) -> None:
    """Run a job and write its end to a pipe."""
    from tlx.spark.outcome import outcome_of_exception, send

    try:
        outcome = run(task)
    except BaseException as error:  # what Hydra's `run_job` lets through
        outcome = outcome_of_exception(error)
    send(pipe, outcome)


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Run a job here, or several together, or what they share, and return the end."""
    if task["part"] is not None or task["group"]:
        from tlx.spark.grouped import run_group, run_part

        return run_group(task) if task["group"] else run_part(task)
    from tlx.spark.hydra_job import run_packed_job
    from tlx.spark.outcome import outcome_of

    job = run_packed_job(task["context"], task["config"], task["may_resume"])
    return outcome_of(job, task["max_return_bytes"])


def leave() -> None:
    """End this process as Python would, without the exit handlers of the process it forked from."""
    import logging
    from multiprocessing import util

    with contextlib.suppress(Exception):
        util._exit_function()  # type: ignore[attr-defined]  # ends data loaders' processes
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(Exception):
        logging.shutdown()
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


def _open_streams(task: dict[str, Any]) -> None:
    from tlx.spark.isolation.files import log_files

    out, err = log_files(Path(task["folder"]), task["attempt"])
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _leave(signum: int, _: FrameType | None) -> None:
    """On SIGTERM, let `finally` blocks run: a training then records that it was stopped."""
    raise SystemExit(128 + signum)


def main() -> None:
    """Run the task on stdin and tell its end on the pipe given as the first argument."""
    pipe, parent = int(sys.argv[1]), int(sys.argv[2])
    task = pickle.loads(sys.stdin.buffer.read())
    enter(task, parent)
    run_and_tell(task, pipe)
    leave()


if __name__ == "__main__":
    main()
