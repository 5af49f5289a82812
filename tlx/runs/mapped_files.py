"""Files that are mapped into memory, looked at again before they are read once more.

Where another program cuts such a file off, the kernel ends the process that reads it (SIGBUS),
and no error can be told. So who opens an epoch asks `refuse_changed` first.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlx.errors import TlxError

SHOWN_FILES = 3


class MappedFileChangedError(TlxError):
    """A file was cut off or changed while it was in use."""


@dataclass(frozen=True)
class _Seen:
    """A file as it was when it was mapped; of another inode in its place nothing is read."""

    path: Path
    device: int
    inode: int
    size: int
    changed_ns: int


_mapped: dict[int, _Seen] = {}
_lock = threading.Lock()


def watch(mapped: Any, path: Path) -> None:
    """Remember a file as long as an array lives that is mapped to it.

    Args:
        mapped: The array; tensors made of it keep it alive.
        path: Its file.
    """
    found = path.stat()
    seen = _Seen(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    key = id(mapped)
    with _lock:
        _mapped[key] = seen
    weakref.finalize(mapped, _mapped.pop, key, None)


def refuse_changed() -> None:
    """Compare all mapped files with what they were.

    Raises:
        MappedFileChangedError: Where one was cut off or written to. One that was removed, or
            replaced by another, is still there for who has mapped it.
    """
    with _lock:
        files = list(dict.fromkeys(_mapped.values()))
    faults = [fault for seen in files if (fault := _fault(seen)) is not None]
    if faults:
        more = f"; and {len(faults) - SHOWN_FILES} more" if len(faults) > SHOWN_FILES else ""
        raise MappedFileChangedError(
            f"{'; '.join(faults[:SHOWN_FILES])}{more}, by another program, while it was in use. "
            "Run the same again: what is damaged is made anew."
        )


def _fault(seen: _Seen) -> str | None:
    try:
        found = seen.path.stat()
    except OSError:
        return None
    if (found.st_dev, found.st_ino) != (seen.device, seen.inode):
        return None
    if found.st_size < seen.size:
        return f"{seen.path} was cut off at {found.st_size} of {seen.size} bytes"
    if (found.st_size, found.st_mtime_ns) != (seen.size, seen.changed_ns):
        return f"{seen.path} was written to"
    return None
