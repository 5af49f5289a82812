"""A real file system of a few megabytes, which can be filled to the last byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

BLOCK = 4096


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a tmpfs at a folder; where this machine does not let us, the test is skipped.

    Args:
        folder: Made, and unmounted at the end.
        kilobytes: Its size.
    """
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, timeout=20)


def fill(folder: Path, free_bytes: int = 0) -> Path:
    """Fill a file system until so many bytes are free, in whole blocks; return what fills it."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while _free(folder) > free_bytes:
            file.write(b"\1" * min(BLOCK * 64, max(BLOCK, _free(folder) - free_bytes)))
    return path


def _free(folder: Path) -> int:
    usage = os.statvfs(folder)
    return usage.f_bavail * usage.f_frsize
