"""The activation store that a process's fits share where no folder is named."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

MOST_GB = 4.0
"""Most that it holds, in 10^9 bytes: a temporary folder may lie in memory."""
_folders: dict[int, str] = {}


def shared_folder() -> str:
    """Return a temporary folder, one for each process, which goes when the process ends."""
    own = os.getpid()
    if own not in _folders:
        _folders[own] = tempfile.mkdtemp(prefix="tlx-activations-")
        atexit.register(_remove, own)
    return _folders[own]


def _remove(owner: int) -> None:
    if os.getpid() == owner:  # a forked process leaves its parent's folder alone
        shutil.rmtree(_folders.pop(owner), ignore_errors=True)
