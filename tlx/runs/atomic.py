"""Files that appear whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from tlx.runs.disk import disk_error

_UNFINISHED = re.compile(r"\..+-[0-9a-f]{8}(\.[^.]+)?")


@contextmanager
def atomic_path(
    path: Path, *, durable: bool = False, previous: Path | None = None
) -> Iterator[Path]:
    """Give a temporary path to write to, and put what was written in place at the end.

    Args:
        path: Where the file shall stand. An older file there stays until the new one is whole.
        durable: Wait until the disk holds the file, so that it outlives a loss of power.
        previous: Where the older file goes then; None lets it go.

    Yields:
        A path in the same folder, with the same suffix.

    Raises:
        DiskError: Where the disk is full, say.
    """
    temporary = path.with_name(f".{path.stem}-{uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        if durable:
            _sync(temporary)
        if previous is not None and path.exists():
            path.replace(previous)
        temporary.replace(path)
        if durable:
            _sync(path.parent)
    except Exception as error:
        refused = disk_error(error, path)
        if refused is None or refused is error:
            raise
        raise refused from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def forget_unfinished(folder: Path) -> list[Path]:
    """Remove what killed writers left in a folder, in which nobody writes now.

    Returns:
        The files removed.
    """
    found = folder.iterdir() if folder.is_dir() else ()
    left = [path for path in found if _UNFINISHED.fullmatch(path.name) and _is_plain(path)]
    for path in left:
        path.unlink(missing_ok=True)
    return left


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _sync(path: Path) -> None:
    """Wait until the disk holds a file, or what a folder lists."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
