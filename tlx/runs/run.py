"""A run: one training in one folder, which is claimed once and never written over."""

from __future__ import annotations

import logging
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from tlx.errors import TlxError
from tlx.runs.atomic import forget_unfinished, write_text
from tlx.runs.disk import DiskError, disk_error
from tlx.runs.links import refuse_links
from tlx.runs.result import RESULT_FILE, Result, Status, read_result
from tlx.texts.bounded import error_text

CONFIG_FILE = "config.yaml"
LAST_CHECKPOINT = Path("checkpoints/last.ckpt")
PREVIOUS_CHECKPOINT = Path("checkpoints/previous.ckpt")
"""Stands in for the last one where that is damaged; goes when the run is complete."""
RESERVE_FILE, RESERVE_BYTES = ".reserve", 65_536
"""Room on the disk that is given up to record how a run ended on a full one."""
WEIGHTS_FILE = "model.safetensors"
log = logging.getLogger("tlx")


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
    def start(cls, folder: Path, command: str = "", config: str = "") -> Run:
        """Claim a folder for a new run.

        The configuration is written first, and `result.json`, which makes the folder a run's, last:
        stopped in between, the folder is free as before.

        Args:
            folder: The folder; made where it does not exist.
            command: The command line that runs this run again, for the record.
            config: The text of its `config.yaml`, which it is resumed by.

        Raises:
            TlxError: Where the folder already holds a run, finished or not, a symbolic link, or a
                `config.yaml` of something else; where the disk is full.
        """
        folder.mkdir(parents=True, exist_ok=True)
        refuse_links(folder)
        with _claimed(folder) as lock:
            _refuse_occupied(folder, config)
            result = Result(command=command, started_at=_now(), id=uuid4().hex)
            return cls(folder, result, lock)._begun(config)

    @classmethod
    def resume(cls, folder: Path) -> Run:
        """Take up an interrupted or failed run in its own folder.

        What killed processes left unfinished in the folder goes.

        Raises:
            TlxError: Where the folder holds no run, or a completed one, or one still running, or
                a symbolic link; where the disk is full.
        """
        read_result(folder)  # a folder of something else shall not even get a lock file
        refuse_links(folder)
        with _claimed(folder) as lock:
            run = cls(folder, read_result(folder), lock)
            if run.result.status == "completed":
                raise TlxError(f"{folder} is complete: there is nothing to resume.")
            run.result.resumed += 1
            run.result.status, run.result.error, run.result.finished_at = "running", None, None
            for place in (folder, (folder / LAST_CHECKPOINT).parent):
                forget_unfinished(place)
            return run._begun()

    def _begun(self, config: str = "") -> Run:
        """Write that the run is running, and reserve room to write how it ended."""
        try:
            if config:
                write_text(self.folder / CONFIG_FILE, config)
            self.result.write(self.folder)
            (self.folder / RESERVE_FILE).write_bytes(os.urandom(RESERVE_BYTES))
        except OSError as error:
            raise disk_error(error, self.folder / RESULT_FILE) or error from error
        return self

    @property
    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that the run has written, if any; whole or not."""
        paths = (self.folder / place for place in (LAST_CHECKPOINT, PREVIOUS_CHECKPOINT))
        return next((path for path in paths if path.is_file()), None)

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
        """Write how the run ended, whichever way it ends, and let go of its folder.

        Raises:
            DiskError: Where the disk refused what the run wrote; it can be resumed.
        """
        try:
            yield self
            self._end("completed")
            with suppress(OSError):
                (self.folder / PREVIOUS_CHECKPOINT).unlink(missing_ok=True)
        except BaseException as error:
            refused = disk_error(error, self.folder)
            told = error if refused is None else self._resumable(refused)
            self.result.error = ": ".join(filter(None, (type(told).__name__, error_text(told))))
            self._end_failed()
            if told is error:
                raise
            raise told from error
        finally:
            self._lock.release()

    def _resumable(self, refused: DiskError) -> DiskError:
        told = DiskError(f"{refused} Then go on with resume={self.folder}.")
        told.errno = refused.errno
        return told

    def _end_failed(self) -> None:
        """Record the failure as far as the disk lets; what ended the run matters more."""
        try:
            self._end("failed")
        except OSError as error:
            log.error("how the run ended is not recorded, and it stays 'running': %s", error)

    def _end(self, status: Status) -> None:
        (self.folder / RESERVE_FILE).unlink(missing_ok=True)
        self.result.status = status
        self.result.finished_at = _now()
        self.result.peak_memory_mb["process"] = round(peak_memory_mb(), 1)
        self.result.write(self.folder)


def occupied(folder: Path) -> str:
    """Return the message for a folder that already holds a run."""
    status = read_result(folder).status
    remedy = "choose another folder" if status == "completed" else f"go on with resume={folder}"
    return f"{folder} already holds a run ({status}); {remedy}. A run is never written over."


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _refuse_occupied(folder: Path, config: str) -> None:
    if (folder / RESULT_FILE).exists():
        raise TlxError(occupied(folder))
    path, head = folder / CONFIG_FILE, config.partition("\n")[0].encode()
    if not config or not path.exists():
        return
    with path.open("rb") as file:
        if file.read(len(head)) != head:  # else it is left from a start that was stopped
            raise TlxError(
                f"{path} is there already and no run's, and would be overwritten. "
                "Choose another folder."
            )


@contextmanager
def _claimed(folder: Path) -> Iterator[FileLock]:
    """Hold a folder's lock, and let go of it where the block fails."""
    lock = _lock(folder)
    try:
        yield lock
    except BaseException:
        lock.release()
        raise


def _lock(folder: Path) -> FileLock:
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TlxError(f"{folder} is being written by another process.") from None
    return lock


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
