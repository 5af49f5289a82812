"""The process of the JVM: known from its first moment, so that it can be ended in any."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

END_S = 3.0
"""Seconds that a JVM has to end by itself before it is killed."""
CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV)


class StartAbortedError(Exception):
    """Spark was not wanted any more before it had started."""


class Jvm:
    """A JVM that is about to start, starts or runs, in a process group of its own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[Any] | None = None
        self._lock = threading.Lock()
        self._is_aborted = False

    @contextmanager
    def taken(self, folder: Path) -> Iterator[None]:
        """Take the process that PySpark starts meanwhile; PySpark tells of it too late.

        Args:
            folder: Where the JVM tells PySpark its port and its secret, instead of in a folder
                that nobody knows when PySpark is killed.

        Raises:
            StartAbortedError: Where the JVM was aborted before.
        """
        gateway: Any = importlib.import_module("pyspark.java_gateway")
        original, temporary = gateway.Popen, gateway.tempfile

        def start(*args: Any, **kwargs: Any) -> subprocess.Popen[Any]:
            with self._lock:
                if self._is_aborted:
                    raise StartAbortedError
                process: subprocess.Popen[Any] = original(*args, **kwargs, process_group=0)
                self._process = process
                return process

        gateway.Popen = start
        in_folder = partial(tempfile.mkdtemp, dir=folder)
        gateway.tempfile = SimpleNamespace(mkdtemp=in_folder, mkstemp=tempfile.mkstemp)
        try:
            yield
        finally:
            gateway.Popen, gateway.tempfile = original, temporary

    @property
    def has_crashed(self) -> bool:
        """Whether it ended by a fault of its own: SIGABRT, SIGBUS or SIGSEGV."""
        code = None if self._process is None or self._is_aborted else self._process.poll()
        return code is not None and (-code in CRASHES or code - 128 in CRASHES)

    def abort(self) -> None:
        """Kill the JVM, and start none any more; Spark's Python processes end with it."""
        _hush()
        with self._lock:
            self._is_aborted = True
            self._kill()

    def end(self) -> None:
        """Let the JVM end, at the end of its input, and kill it where it does not."""
        _hush()
        process = self._process
        if process is None:
            return
        with contextlib.suppress(Exception):
            assert process.stdin is not None
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=END_S)
        self._kill()

    def _kill(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # with what `spark-submit` runs before it
        process.wait()


def _hush() -> None:
    """Let Py4J log nothing of a JVM that hangs up: what matters of it is raised, too.

    It logs by the root logger, whose filters see only what is logged by itself.
    """
    logging.getLogger().addFilter(_is_not_of_py4j)


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parent.name != "py4j"
