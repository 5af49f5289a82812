"""A job's end as Hydra's sweepers take it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from hydra.core.utils import JobReturn, JobStatus

from tlx.spark.errors import RemoteJobError, RemoteTraceback
from tlx.spark.launcher.compose import ComposedJob
from tlx.spark.launcher.job.envelope import Envelope
from tlx.spark.pickling import loads
from tlx.sweeps.record import JobRecord


def job_return(job: ComposedJob, envelope: Envelope) -> JobReturn:
    """Return what `launch` returns of a job: its value, or `FAILED` with its exception."""
    returned = job.job_return(envelope.working_dir)
    if envelope.status == "completed" and envelope.result is not None:
        try:
            with _main_by_its_name():
                returned._return_value = loads(envelope.result)
            returned.status = JobStatus.COMPLETED
        except Exception as error:
            text = f"job {job.number}: its return value cannot be read here: {error}"
            returned._return_value, returned.status = RemoteJobError(text), JobStatus.FAILED
    else:
        returned._return_value, returned.status = exception_of(job, envelope), JobStatus.FAILED
    return returned


def exception_of(job: ComposedJob, envelope: Envelope) -> Exception:
    """Return the exception that ended a job, or a `RemoteJobError` where that cannot come back."""
    error: Exception | None = None
    if envelope.exception is not None and envelope.status == "failed":
        with contextlib.suppress(Exception), _main_by_its_name():
            error = loads(envelope.exception)
    if not isinstance(error, Exception):
        error = RemoteJobError(_words(job, envelope))
    if envelope.traceback:
        error.__cause__ = RemoteTraceback(envelope.traceback)
    return error


def earlier_return(job: ComposedJob, record: JobRecord) -> JobReturn:
    """Return what `launch` returns of a job that an earlier sweep in this folder has run."""
    returned = job.job_return()
    if record.status in ("completed", "skipped"):
        returned._return_value, returned.status = record.return_value, JobStatus.COMPLETED
    else:
        words = f"job {record.number} {record.status} before: {record.fault or 'no reason known'}"
        returned._return_value = RemoteJobError(f"{words}. retry_failed=true runs it again.")
        returned.status = JobStatus.FAILED
    return returned


def _words(job: ComposedJob, envelope: Envelope) -> str:
    if envelope.error and envelope.exception is None and envelope.status == "failed":
        return envelope.error  # "module.Type: message", of an exception that does not travel
    what = envelope.reason or envelope.error or "no reason known"
    return f"job {job.number} ({' '.join(job.shown_overrides)}) {envelope.status}: {what}"


@contextlib.contextmanager
def _main_by_its_name() -> Iterator[None]:
    """Let the classes of `__main__` be found under its module's name, which workers know it by."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    file = getattr(main, "__file__", None) or ""
    name = spec.name if spec is not None else file.rpartition("/")[2].removesuffix(".py")
    if not name or name in sys.modules:
        yield
        return
    sys.modules[name] = main
    try:
        yield
    finally:
        sys.modules.pop(name, None)
