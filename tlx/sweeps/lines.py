"""Jobs of a sweep as lines for people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from tlx.sweeps.plain_values import as_float, is_number
from tlx.sweeps.record import DONE, FAILURES, STATUSES, JobRecord
from tlx.texts.bounded import LINE_CHARACTERS, bounded
from tlx.texts.shown import shown

TAIL_LINES = 10
_STATUS_ORDER = ("completed", "skipped", "failed", "killed", "timed_out", "lost", "cancelled")


def job_line(record: JobRecord) -> str:
    """Return how a job stands: `job 3 completed in 1.2 s: 0.912 (strategy=partial seed=1)`."""
    status = status_words(record.status)
    told = f"job {record.number} {status.upper() if record.status in FAILURES else status}"
    if record.seconds is not None and record.status != "lost":
        told += f" {'after' if record.status in FAILURES else 'in'} {duration(record.seconds)}"
    worth = record.fault if record.status in FAILURES else returned(record.return_value)
    told += f": {worth}" if worth else ""
    return told + (f" ({' '.join(record.overrides)})" if record.overrides else "")


def tail_lines(record: JobRecord, limit: int = TAIL_LINES) -> list[str]:
    """Return the end of a failed job's traceback or, where it has none, of its log, indented."""
    text = record.traceback or record.log_tail or ""
    lines = text.rstrip().split("\n")[-limit:] if text.strip() else []
    return [f"    {bounded(line.expandtabs(), LINE_CHARACTERS)}" for line in lines]


def failure_lines(records: Iterable[JobRecord]) -> list[str]:
    """Return a line per failed job under a heading; nothing where none failed."""
    failed = [record for record in records if record.status in FAILURES]
    if not failed:
        return []
    noun = "1 job" if len(failed) == 1 else f"{len(failed)} jobs"
    return [f"{noun} failed:", *(f"  {job_line(record)}" for record in failed)]


def damage_lines(records: Iterable[JobRecord]) -> list[str]:
    """Return a line per complete job of whose files one is damaged."""
    done = [record for record in records if record.status in DONE and record.reason]
    return [f"job {record.number} is complete, but {record.fault}" for record in done]


def status_counts(records: Iterable[JobRecord]) -> str:
    """Return how many jobs stand how: `9 completed, 2 failed, 1 killed`."""
    counts = Counter[str](record.status for record in records)
    order = [*_STATUS_ORDER, *sorted(STATUSES - set(_STATUS_ORDER))]
    return ", ".join(f"{counts[one]} {status_words(one)}" for one in order if counts[one])


def best_job(records: Sequence[JobRecord], minimize: bool) -> JobRecord | None:
    """Return the job of the best return value, of those that returned a number."""
    numbers = [one for one in records if is_number(one.return_value) and not _is_nan(one)]
    pick = min if minimize else max
    return pick(numbers, key=lambda record: as_float(record.return_value), default=None)


def status_words(status: str) -> str:
    """Return a status as it is read out: `timed out`."""
    return status.replace("_", " ")


def returned(value: object) -> str:
    """Return what a job returned in few characters; nothing for None."""
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it: `1.2 s`, `3 min 20 s`, `2 h 05 min`."""
    if not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def printable(text: str, encoding: str) -> str:
    """Return text from outside, control characters escaped, in characters the encoding has."""
    safe = shown(text)
    if not encoding.lower().startswith("utf"):
        safe = safe.replace("±", "+/-")
    return safe.encode(encoding, errors="backslashreplace").decode(encoding)


def _is_nan(record: JobRecord) -> bool:
    return bool(record.return_value != record.return_value)
