"""What a process gets from the one it was forked from, and must not have."""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import os
import signal
import sys
import weakref
from collections.abc import MutableMapping
from pathlib import Path
from types import FrameType

SPARK_PREFIXES = ("SPARK_", "_SPARK_", "PYSPARK_", "_PYSPARK_", "PYTHON_", "TLX_PRELOAD")
"""Variables by which Spark and its worker agree; one of them may hold a secret."""

PATHS_OF_SPARK = frozenset(
    {"SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"}
)
"""Those of them that a job which starts a Spark of its own may need."""

LAST_DESCRIPTOR = 65_536
"""Where the search for descriptors ends on a system that does not list them."""


def close_descriptors(kept: int) -> None:
    """Take every descriptor but the standard three and one from this process.

    `/dev/null`, open for reading only, takes their numbers: to write to one fails as if it were
    closed. A number that became free would be given to a file of the job, and an object that the
    job was forked with (a memory map, a socket) would close that file when it is collected.

    Args:
        kept: The descriptor that stays.
    """
    empty = os.open(os.devnull, os.O_RDONLY)
    for number in open_descriptors():
        if number > 2 and number not in (kept, empty):
            os.dup2(empty, number, inheritable=False)
    os.close(empty)


def open_descriptors() -> list[int]:
    """Return the numbers of this process's open descriptors."""
    try:
        listed = [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    except OSError:
        listed = list(range(min(os.sysconf("SC_OPEN_MAX"), LAST_DESCRIPTOR)))
    return [number for number in listed if _is_open(number)]


def reset_signals() -> None:
    """Give this process the signals of a fresh Python, but end it in order on SIGTERM."""
    signal.set_wakeup_fd(-1)
    for signum in signal.valid_signals():
        if signal.getsignal(signum) not in (signal.SIG_DFL, None):
            with contextlib.suppress(OSError, ValueError):  # a signal that cannot be handled
                signal.signal(signum, signal.SIG_DFL)
    for signum in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def forget_exit_functions() -> None:
    """Forget what the forked process meant to do at its own end, such as to remove its files."""
    atexit._clear()
    weakref.finalize._registry.clear()  # type: ignore[attr-defined]
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]
    processes = sys.modules.get("multiprocessing.util")
    if processes is not None:
        processes._finalizer_registry.clear()


def forget_spark(environment: MutableMapping[str, str]) -> None:
    """Remove the variables by which Spark and its worker agree.

    Args:
        environment: A process's variables.
    """
    for name in [*environment]:
        if name.startswith(SPARK_PREFIXES) and name not in PATHS_OF_SPARK:
            del environment[name]


def forget_task() -> None:
    """Let this process be no Spark task: a job may start a Spark of its own."""
    tasks = sys.modules.get("pyspark.taskcontext")
    if tasks is not None:
        tasks.TaskContext._taskContext = None


def draw_anew() -> None:
    """Give NumPy's global generator a state of its own: all forks would draw the same numbers."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _is_open(number: int) -> bool:
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError as error:
        return error.errno != errno.EBADF
    return True


def _leave(signum: int, _: FrameType | None) -> None:
    """On SIGTERM, let `finally` blocks run: a training then records that it was stopped."""
    raise SystemExit(128 + signum)
