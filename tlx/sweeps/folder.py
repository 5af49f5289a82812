"""A sweep's folder as a whole: who writes there, and what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from tlx.errors import TlxError
from tlx.runs.atomic import write_json
from tlx.sweeps.record import JOB_FILE, code_version

SWEEP_FILE = "sweep.json"


@contextmanager
def claimed_sweep(folder: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Hold a sweep's folder, so that no second driver writes there, and write its `sweep.json`.

    Args:
        folder: The sweep's folder; made where it does not exist.
        arguments: What the sweep was asked, as given on the command line.

    Raises:
        TlxError: Where another process holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TlxError(
            f"{folder} is being written by another sweep. Wait for it, or choose another folder "
            "with hydra.sweep.dir."
        ) from None
    try:
        write_sweep(folder, arguments)
        yield
    finally:
        lock.release()


def holds_jobs(folder: Path) -> bool:
    """Return whether a folder holds a job of a sweep."""
    return any(any(folder.glob(f"*/{name}")) for name in (JOB_FILE, ".hydra"))


def write_sweep(folder: Path, arguments: Sequence[str]) -> None:
    """Write a sweep's `sweep.json`: what it was asked, by which code, and when it started."""
    content = {
        "format": 1,
        "arguments": list(arguments),
        "code_version": code_version(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(folder / SWEEP_FILE, content)
