"""The files that the launcher keeps in a job's folder."""

from __future__ import annotations

import contextlib
import pickle
from collections import deque
from pathlib import Path
from typing import Any

from tlx.runs.atomic import atomic_path, write_text
from tlx.texts.redaction import redact_text

STOP_FILE = ".stop"
"""While this file is in a job's folder, its worker stops it."""

START_FILE = ".running"
"""In a job's folder while an attempt runs there; written anew by each attempt."""

SCRIPT_FILE = ".script"
"""Holds the fingerprint of the script that a job was run by."""

TAIL_LINES = 30
TAIL_BYTES = 16_000


def note_start(folder: Path) -> None:
    """Note that a job's process starts; without it only the worker keeps the job's limit."""
    with contextlib.suppress(OSError):
        (folder / START_FILE).unlink(missing_ok=True)
        (folder / START_FILE).touch()


def start_of(folder: Path) -> int | None:
    """Return a number that names the attempt which runs in a job's folder, or None."""
    try:
        return (folder / START_FILE).stat().st_mtime_ns
    except OSError:
        return None


def forget_start(folder: Path) -> None:
    """Remove what `note_start` wrote."""
    with contextlib.suppress(OSError):
        (folder / START_FILE).unlink(missing_ok=True)


def log_files(folder: Path, attempt: int) -> tuple[Path, Path]:
    """Return the files for stdout and stderr of an attempt; each attempt has its own."""
    suffix = f".{attempt}.log" if attempt else ".log"
    return folder / f"stdout{suffix}", folder / f"stderr{suffix}"


def log_tail(folder: Path, attempt: int) -> str:
    """Return the last lines a job wrote, without secrets: of stderr, else of stdout."""
    out, err = log_files(folder, attempt)
    return redact_text(tail(err) or tail(out))


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a text file, or an empty text where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(deque(text.strip().splitlines(), maxlen=lines))


def keep_script(folder: Path, fingerprint: str | None) -> None:
    """Note in a job's folder which script it is run by; nothing for a module's function."""
    if fingerprint is not None:
        write_text(folder / SCRIPT_FILE, fingerprint)


def script_of(folder: Path) -> str | None:
    """Return the fingerprint of the script that ran in a job's folder, or None."""
    try:
        return (folder / SCRIPT_FILE).read_text(encoding="utf-8")
    except OSError:
        return None


def keep_envelope(folder: Path, token: str, envelope: dict[str, Any]) -> None:
    """Keep an attempt's end, for the case that its executor is lost before it can be told."""
    with atomic_path(folder / f".envelope-{token}.pickle") as path:
        path.write_bytes(pickle.dumps(envelope))


def kept_envelope(folder: Path, token: str) -> dict[str, Any] | None:
    """Return the end of an earlier attempt of the same submission, or None."""
    try:
        content = (folder / f".envelope-{token}.pickle").read_bytes()
    except OSError:
        return None
    kept: dict[str, Any] = pickle.loads(content)
    return kept


def forget_envelope(folder: Path, token: str) -> None:
    """Remove what `keep_envelope` wrote, once the driver has it."""
    (folder / f".envelope-{token}.pickle").unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what an earlier sweep, whose driver was killed, has left in a job's folder."""
    for path in (folder / STOP_FILE, folder / START_FILE, *folder.glob(".envelope-*.pickle")):
        path.unlink(missing_ok=True)
