"""Weights read once in a process, for those that are forked from it.

A network takes the tensors of its state dict as its own, so a fork that builds model A shares the
pages with its siblings until it changes them: what is frozen is in memory once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlx.backbones.weights.sources import Source
    from tlx.backbones.weights.state_files import FileState

MOST_FILES = 4
_Key = tuple[str, int, int, str, str | None]
_kept: dict[_Key, tuple[int, FileState]] = {}


def keep(key: _Key, state: FileState) -> None:
    """Keep what was read of a file for forks of this process; the oldest goes first."""
    _kept[key] = (os.getpid(), state)
    while len(_kept) > MOST_FILES:
        del _kept[next(iter(_kept))]


def any_kept() -> bool:
    """Return whether anything is kept at all."""
    return bool(_kept)


def is_kept(key: _Key) -> bool:
    """Return whether a state is kept under a key."""
    return key in _kept


def kept(file: Path | None, name: str, weights_key: str | None) -> FileState | None:
    """Return what was kept of a file, once, in a fork of the process that kept it; else None.

    Not in that process itself, and not twice: a network that trains changes these tensors.

    Args:
        file: The weights file.
        name: The builder it was read for.
        weights_key: Which of its networks was read.
    """
    key = None if file is None or not file.is_file() else key_of(file, name, weights_key)
    if key is None or key not in _kept:
        return None
    owner, state = _kept[key]
    if owner == os.getpid():
        return None
    del _kept[key]
    return state


def file_of(source: Source) -> Path | None:
    """Return the file that a source's weights are read from, where it is there."""
    from tlx.backbones.weights.downloads import cached_file

    file = source.path if source.enum is None else cached_file(source)
    return file if file is not None and file.is_file() else None


def key_of(file: Path, name: str, weights_key: str | None) -> _Key:
    """Return what tells the states of one file for one network from all others."""
    status = file.stat()
    return str(file.resolve()), status.st_mtime_ns, status.st_size, name, weights_key
