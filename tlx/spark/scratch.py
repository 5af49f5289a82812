"""The temporary folder of one Spark: its own files and Java's, gone with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "tlx-spark-"
LOCK_FILE = ".lock"

LONGEST_ROOT = 50
"""Most characters of the folder above: a Unix socket's whole path may have 107."""


class Scratch:
    """A folder `tlx-spark-PROCESS-...` that nobody else may read, held while its owner lives.

    What owners that were killed have left is removed first.
    """

    def __init__(self) -> None:
        root = temporary_root()
        remove_stale(root)
        new = Path(tempfile.mkdtemp(prefix=f".{PREFIX}{os.getpid()}-", dir=root))
        self._lock = FileLock(new / LOCK_FILE, thread_local=False)
        self._lock.acquire(timeout=0)  # before the folder has the name that others look for
        self.folder = new.rename(root / new.name.removeprefix("."))

    def remove(self) -> None:
        """Remove the folder; calling it again changes nothing."""
        self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)


def temporary_root() -> Path:
    """Return the folder for temporary files, or `/tmp` where Unix sockets do not fit into it."""
    root = Path(tempfile.gettempdir())
    is_usable = len(os.fsencode(root)) <= LONGEST_ROOT or not os.access("/tmp", os.W_OK)
    return root if is_usable else Path("/tmp")


def remove_stale(root: Path) -> None:
    """Remove this user's folders whose owner is gone: nobody holds them.

    Args:
        root: Where the folders are.
    """
    for folder in root.glob(f"{PREFIX}[0-9]*-*"):
        with contextlib.suppress(OSError, Timeout):
            is_own = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if is_own and (folder / LOCK_FILE).is_file():
                with FileLock(folder / LOCK_FILE).acquire(timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
