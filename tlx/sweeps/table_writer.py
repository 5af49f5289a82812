"""Keeps a sweep's table up to date while jobs end, at a bounded cost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tlx.runs.disk import DiskError
from tlx.sweeps.record import JobRecord
from tlx.sweeps.table import write_table

PAUSE_PER_SECOND_OF_WRITING_S = 20.0
log = logging.getLogger("tlx")


class TableWriter:
    """Rewrites a sweep's table from a thread of its own after every change.

    The table of a sweep of n jobs costs time in proportion to n, so that writing it n times would
    make long sweeps slow. Changes that come while it is being written, or within 20 times as long
    after, share one rewriting: at most 5 % of the time goes there, and the table of 1,000 jobs
    lags behind by about a second. Each job's own `job.json` does not wait for it.

    Args:
        folder: The sweep's folder, which exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records: tuple[JobRecord, ...] | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._is_told = False
        self._thread = threading.Thread(target=self._write_changes, name="sweep-table", daemon=True)
        self._thread.start()

    def __enter__(self) -> TableWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is left to write."""
        self.close()

    def update(self, records: Sequence[JobRecord]) -> None:
        """Have the table written from these records soon; returns at once."""
        with self._changed:
            self._records = tuple(records)
            self._changed.notify()

    def close(self) -> None:
        """Write the last change and stop; a table that cannot be written is a line in the log."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _write_changes(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._records is not None or self._closing)
                records, self._records = self._records, None
            if records is None:
                return
            began = time.perf_counter()
            self._write(records)
            pause_s = PAUSE_PER_SECOND_OF_WRITING_S * (time.perf_counter() - began)
            with self._changed:
                self._changed.wait_for(lambda: self._closing, timeout=min(pause_s, 10.0))

    def _write(self, records: tuple[JobRecord, ...]) -> None:
        try:
            write_table(self._folder, records)
        except DiskError as error:
            if not self._is_told:
                told = "%s The sweep goes on; python -m tlx.sweep %s writes its table."
                log.error(told, error, self._folder)
            self._is_told = True
        except Exception:  # a table that fails must not end a sweep whose jobs run well
            log.exception("The table of %s could not be written.", self._folder)
