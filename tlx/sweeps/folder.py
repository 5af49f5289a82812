"""A sweep's folder as a whole: who writes there, and what it was asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from tlx.errors import TlxError
from tlx.runs.atomic import write_json
from tlx.runs.links import refuse_links
from tlx.sweeps.record import JOB_FILE, code_version
from tlx.texts.redaction import redact_argument, redacted_keys_of

SWEEP_FILE = "sweep.json"
log = logging.getLogger("tlx")


@contextmanager
def claimed_sweep(folder: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Hold a sweep's folder, so that no second driver writes there, and write its `sweep.json`.

    Args:
        folder: The sweep's folder; made where it does not exist.
        arguments: What the sweep was asked, as given on the command line.

    Raises:
        TlxError: Where another process holds the folder, or what is written there would go
            elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refuse_links(folder)
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
    """Write a sweep's `sweep.json`: what it was asked, by which code, and when it started.

    Secrets are left out, which the log says.
    """
    content = {
        "format": 1,
        "arguments": [redact_argument(text) for text in arguments],
        "code_version": code_version(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(folder / SWEEP_FILE, content)
    secret = redacted_keys_of(arguments)
    if secret:
        log.info("left out of the sweep's files, as secrets: %s", ", ".join(secret))
