"""Everything a sweep tells while it runs: each job's record, the table, the display."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tlx.spark.isolation.files import keep_script
from tlx.spark.launcher.compose import ComposedJob
from tlx.spark.launcher.job.envelope import Envelope
from tlx.spark.pickling import loads
from tlx.sweeps.display import SweepDisplay
from tlx.sweeps.plain_values import flat_numbers, plain_value
from tlx.sweeps.record import DONE, JobRecord, code_version, with_fault, with_run, write_job
from tlx.sweeps.table_writer import TableWriter
from tlx.sweeps.tlx_run import read_tlx_run

log = logging.getLogger("tlx")


class Reporter:
    """Keeps a sweep's folder and the user up to date; its methods may be called by any thread.

    Args:
        folder: The sweep's folder.
        earlier: The records that the folder holds already.
        total: How many jobs this launch has; None where they come one by one.
    """

    def __init__(self, folder: Path, earlier: Iterable[JobRecord], total: int | None) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._records = {record.number: record for record in earlier}
        self._table = TableWriter(folder)
        self._display = SweepDisplay(total, sys.stderr, sys.stderr.isatty())

    def queued(self, job: ComposedJob) -> None:
        """Note that a job waits."""
        self._write(job, new_record(job))

    def started(self, job: ComposedJob) -> None:
        """Note that a job is being run."""
        record = new_record(job)
        record.status, record.started_at = "running", _now()
        job.folder.mkdir(parents=True, exist_ok=True)
        keep_script(job.folder, job.script)
        self._write(job, record)
        self._display.job_started(record)

    def ended(self, job: ComposedJob, envelope: Envelope) -> JobRecord:
        """Note how a job ended, and rewrite the table."""
        record = record_of(job, envelope)
        self._write(job, record)
        self._display.job_ended(record)
        with self._lock:
            records = [self._records[number] for number in sorted(self._records)]
        self._table.update(records)
        return record

    def skipped(self, record: JobRecord) -> None:
        """Note a job that an earlier sweep in this folder has completed, or failed."""
        with self._lock:
            self._records[record.number] = record
            records = [self._records[number] for number in sorted(self._records)]
        shown = replace(record, status="skipped") if record.status in DONE else record
        self._display.job_ended(shown)
        self._table.update(records)

    def close(self) -> None:
        """Write the table a last time and show all failures again."""
        self._table.close()
        self._display.close()

    def _write(self, job: ComposedJob, record: JobRecord) -> None:
        with self._lock:
            self._records[record.number] = record
        try:
            write_job(job.folder, record)
        except OSError as error:  # a full disk must not end a sweep whose jobs run well
            log.error("The record of job %d cannot be written: %s.", job.number, error)


def new_record(job: ComposedJob) -> JobRecord:
    """Return the record of a job that waits."""
    return JobRecord(
        number=job.number,
        overrides=job.shown_overrides,
        config_hash=job.config_hash,
        status="queued",
        code_version=code_version(),
    )


def record_of(job: ComposedJob, envelope: Envelope) -> JobRecord:
    """Return the record of a job that ended; a tlx run's own figures are added."""
    record = new_record(job)
    for name in ("status", "exit_code", "signal", "reason", "seconds", "attempt", "error"):
        setattr(record, name, getattr(envelope, name))
    for name in ("host", "traceback", "log_tail", "peak_memory_mb", "started_at"):
        setattr(record, name, getattr(envelope, name) or None)
    record.finished_at = envelope.finished_at or _now()
    if envelope.result is not None:
        value = None
        with contextlib.suppress(Exception):
            value = loads(envelope.result)
        record.return_value = plain_value(value)
        record.metrics = flat_numbers(record.return_value) if isinstance(value, dict) else {}
    run, fault = read_tlx_run(job.folder)
    told = with_fault(record if run is None else with_run(record, run), fault)
    return told or record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
