"""What the launcher keeps in a sweep's folder only while it works."""

from __future__ import annotations

import shutil
from pathlib import Path

SHARED_PREFIX = ".shared-"


def shared_folder(sweep: Path, number: int, part: int) -> Path:
    """Return the folder for one part of what jobs share.

    Args:
        sweep: The sweep's folder.
        number: The number of the job whose configuration says what it is.
        part: The part, counted from 0.
    """
    return sweep / f"{SHARED_PREFIX}{number}-{part}"


def remove_shared(sweep: Path) -> None:
    """Remove those folders, also what a killed driver has left; who calls holds the sweep.

    Args:
        sweep: The sweep's folder.
    """
    for folder in sweep.glob(f"{SHARED_PREFIX}*-*"):
        shutil.rmtree(folder, ignore_errors=True)


def remove_checks(sweep: Path) -> None:
    """Remove the files by which driver and executors tell that they share a folder.

    Args:
        sweep: The sweep's folder.
    """
    for path in (*sweep.glob(".tlx-driver-*"), *sweep.glob(".tlx-executor-*")):
        path.unlink(missing_ok=True)
