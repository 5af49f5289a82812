"""Who may write an entry, and who is using one.

Both are locks of the operating system on files beside the entries: those of a process that died
are released by the kernel. The files stay when an entry goes, since a lock on a removed file
would exclude nobody.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCKS_FOLDER = ".locks"
POLL_S = 0.1
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
log = logging.getLogger("tlx")


@contextmanager
def writing(store: Path, key: str, *, waits_for: str = "") -> Iterator[None]:
    """Be the only writer of an entry; where another writes it, wait for it and say so.

    Args:
        store: The store's folder.
        key: The entry's key, or the name of something else there is one writer of.
        waits_for: What the other process does, for the log; empty says nothing.
    """
    lock = FileLock(_path(store, f"{key}.write"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waits_for:
            log.info("another process %s; waiting for it", waits_for)
        lock.acquire(poll_interval=POLL_S)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def unused(store: Path, key: str) -> Iterator[bool]:
    """Hold off writers and users of an entry, where there are none; yields whether that is so."""
    lock = FileLock(_path(store, f"{key}.write"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        lease = Lease.take_alone(store, key)
        try:
            yield lease is not None
        finally:
            if lease is not None:
                lease.close()
    finally:
        lock.release()


class Lease:
    """An entry in use: as long as one is held, the entry is not pruned.

    Args:
        descriptor: An open file with a lock on it; None holds nothing.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, store: Path, key: str) -> Lease:
        """Return a lease which others may hold as well.

        Where the disk has no room for a lock file, nothing is held: what is mapped stays readable
        when its entry is pruned.
        """
        try:
            return cls(_locked(store, key, fcntl.LOCK_SH))
        except OSError as error:
            if error.errno not in _UNWRITABLE:
                raise
            return cls(None)

    @classmethod
    def take_alone(cls, store: Path, key: str) -> Lease | None:
        """Return a lease that nobody else holds; None where somebody does."""
        try:
            return cls(_locked(store, key, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Let go; calling it again changes nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def _locked(store: Path, key: str, kind: int) -> int:
    descriptor = _opened(_path(store, f"{key}.lease"))
    try:
        fcntl.flock(descriptor, kind)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _opened(path: Path) -> int:
    """Open a lock file; one that is there serves where nothing can be written."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in _UNWRITABLE or not path.exists():
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _path(store: Path, name: str) -> Path:
    folder = store / LOCKS_FOLDER
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
    return folder / name
