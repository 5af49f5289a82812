"""A run: one training in one folder, which is claimed once and never written over."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from tlx.errors import TlxError
from tlx.runs.result import RESULT_FILE, Result, read_result

LAST_CHECKPOINT = Path("checkpoints/last.ckpt")
WEIGHTS_FILE = "model.safetensors"


class RunInterrupted(KeyboardInterrupt):
    """The user stopped a run. It is no `Exception`, so that a sweep stops with it."""


class Run:
    """A run's folder while it is being written.

    Use `Run.start` for a new run and `Run.resume` for an interrupted one, then `recording()`.

    Args:
        folder: The folder, claimed by this process.
        result: What is known of the run so far.
        lock: Held until the run ends, so that no second process writes here.
    """

    def __init__(self, folder: Path, result: Result, lock: FileLock) -> None:
        self.folder = folder
        self.result = result
        self._lock = lock

    @classmethod
    def start(cls, folder: Path, command: str = "") -> Run:
        """Claim a folder for a new run.

        Args:
            folder: The folder; made where it does not exist.
            command: The command line that runs this run again, for the record.

        Raises:
            TlxError: Where the folder already holds a run, finished or not.
        """
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
        if (folder / RESULT_FILE).exists():
            lock.release()
            raise TlxError(occupied(folder))
        run = cls(folder, Result(command=command, started_at=_now()), lock)
        run.result.write(folder)
        return run

    @classmethod
    def resume(cls, folder: Path) -> Run:
        """Take up an interrupted or failed run in its own folder.

        Raises:
            TlxError: Where the folder holds no run, or a completed one, or one still running.
        """
        read_result(folder)  # a folder of something else shall not even get a lock file
        lock = _lock(folder)
        run = cls(folder, read_result(folder), lock)
        if run.result.status == "completed":
            lock.release()
            raise TlxError(f"{folder} is complete: there is nothing to resume.")
        run.result.resumed += 1
        run.result.status, run.result.error, run.result.finished_at = "running", None, None
        run.result.write(folder)
        return run

    @property
    def last_checkpoint(self) -> Path | None:
        """The checkpoint to go on from, if the run has written one."""
        path = self.folder / LAST_CHECKPOINT
        return path if path.is_file() else None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the wall time of a block to `result.seconds[name]`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = self.result.seconds.get(name, 0.0) + time.perf_counter() - started
            self.result.seconds[name] = round(spent, 3)

    @contextmanager
    def recording(self) -> Iterator[Run]:
        """Write how the run ended, whichever way it ends, and let go of its folder."""
        try:
            yield self
            self.result.status = "completed"
        except BaseException as error:
            self.result.status = "failed"
            self.result.error = ": ".join(filter(None, (type(error).__name__, str(error))))
            raise
        finally:
            self.result.finished_at = _now()
            self.result.peak_memory_mb["process"] = round(peak_memory_mb(), 1)
            self.result.write(self.folder)
            self._lock.release()


def occupied(folder: Path) -> str:
    """Return the message for a folder that already holds a run."""
    status = read_result(folder).status
    remedy = "choose another folder" if status == "completed" else f"go on with resume={folder}"
    return f"{folder} already holds a run ({status}); {remedy}. A run is never written over."


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _lock(folder: Path) -> FileLock:
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TlxError(f"{folder} is being written by another process.") from None
    return lock


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
