"""The journal of a search: one file, written by one driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from tlx.errors import TlxError
from tlx.runs.stored import parse_json

JOURNAL_FILE = "optuna_journal.log"


@contextmanager
def opened_storage(asked: str | None, folder: Path) -> Iterator[BaseStorage]:
    """Hold the storage of a search, so that no second driver writes there.

    Args:
        asked: The path of the journal or the URL of a database, which may have many writers;
            None: the journal in the sweep's folder.
        folder: The sweep's folder.

    Raises:
        TlxError: Where another process holds the journal, or it is damaged.
    """
    if asked is not None and "://" in asked:
        yield optuna.storages.get_storage(asked)
        return
    path = folder / JOURNAL_FILE if asked is None else Path(asked).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.driver"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TlxError(
            f"{path} is being written by another search. Wait for it, or choose another folder "
            "with hydra.sweep.dir."
        ) from None
    try:
        cut_torn_line(path)
        refuse_damage(path)
        yield JournalStorage(JournalFileBackend(str(path), lock_obj=_HeldLock()))
    finally:
        lock.release()


def cut_torn_line(path: Path) -> None:
    """Remove a last line without an end, which a driver was killed over; Optuna cannot read it."""
    if not path.is_file():
        return
    with path.open("r+b") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def refuse_damage(path: Path) -> None:
    """Read a journal through.

    Raises:
        TlxError: Where a line is none that Optuna wrote; it would give up in the middle.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                is_sound = isinstance(parse_json(line.decode())["op_code"], int)
            except (ValueError, KeyError, TypeError):
                is_sound = False
            if not is_sound:
                raise TlxError(
                    f"{path} is damaged in line {number}. Copy it back, or name another journal "
                    "with hydra.sweeper.storage: jobs that are complete in the folder stay so."
                )


class _HeldLock(BaseJournalFileLock):
    """Stands for the driver's lock: Optuna's own would outlive a killed driver by 30 s."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass
