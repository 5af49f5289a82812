"""A disk that takes nothing more, in one sentence with the remedy."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tlx.errors import TlxError

_REMEDIES = {
    errno.ENOSPC: ("has too little room", "Make room there"),
    errno.EDQUOT: ("has no room left for this user (quota)", "Make room there"),
    errno.EROFS: ("may only be read", "Make it writable, or choose another folder"),
    errno.EIO: ("gives input/output errors", "Check the disk, and save what matters elsewhere"),
    errno.EFBIG: ("takes no larger files here", "Raise the limit (ulimit -f), or split the work"),
}
# Programs in other languages (safetensors, Arrow) pass the number on in their text alone.
_NUMBER = re.compile(r"(?:os error |\[?errno )(\d+)", re.IGNORECASE)


class DiskError(TlxError, OSError):
    """A file cannot be written: the disk is full, or refuses for another reason of its own."""


def disk_error(error: BaseException, path: Path | None) -> DiskError | None:
    """Return what to tell of an error that a disk gave, or None for any other error.

    Args:
        error: What was raised while a file was written, by whatever library.
        path: The file, or the folder that it belongs to; None where it is not known.

    Returns:
        The error itself where it is a `DiskError`.
    """
    if isinstance(error, DiskError):
        return error
    number = next((n for one in _chain(error) for n in _numbers(one) if n in _REMEDIES), None)
    if number is None:
        return None
    state, remedy = _REMEDIES[number]
    if path is None:
        where = "a file cannot be written: its file system"
    else:
        where = f"{path} cannot be written: the file system at {_mount(path)}"
    told = DiskError(f"{where} {state}{_room(path, number)}. {remedy}.")
    told.errno = number
    return told


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came from."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _numbers(error: BaseException) -> Iterator[int]:
    if isinstance(error, OSError) and error.errno is not None:
        yield error.errno
    elif isinstance(error, TlxError):
        return
    yield from map(int, _NUMBER.findall(str(error)))


def _mount(path: Path) -> Path:
    """Return the folder at which the file system of a path is mounted."""
    above = (path.absolute(), *path.absolute().parents)
    return next((one for one in above if one.is_dir() and os.path.ismount(one)), above[-1])


def _room(path: Path | None, number: int) -> str:
    if number != errno.ENOSPC or path is None:
        return ""
    existing = next(one for one in (path, *path.absolute().parents) if one.is_dir())
    try:
        usage = shutil.disk_usage(existing)
    except OSError:
        return ""
    return f" ({usage.free / 1e6:.3g} of {usage.total / 1e6:.3g} MB free)"
