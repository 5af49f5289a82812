"""What a job's folder says of a tlx run, whichever launcher started it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlx.runs.result import RESULT_FILE
from tlx.runs.stored import read_json
from tlx.sweeps.plain_values import flat_numbers

_STOPPED_BY_USER = ("RunInterrupted", "KeyboardInterrupt")
_FIELDS_OF_A_RUN = {"command", "status", "metrics", "seconds", "peak_memory_mb", "format"}


@dataclass(frozen=True)
class TlxRun:
    """A run in the figures that a sweep's table shows.

    Args:
        status: `running` (also of a run that was killed), `completed`, `failed` or `cancelled`.
        metrics: Scores as `test_accuracy`; those of each class are left out.
        seconds: Wall time of all phases and attempts.
        peak_memory_mb: Most memory the process held, in 10^6 bytes.
        error: `Type: message` of a failed run.
        started_at: ISO 8601, UTC.
        finished_at: ISO 8601, UTC.
        resumed: How many times the run was taken up again.
    """

    status: str
    metrics: dict[str, float]
    seconds: float
    peak_memory_mb: float | None
    error: str | None
    started_at: str | None
    finished_at: str | None
    resumed: int

    @property
    def return_value(self) -> float | None:
        """What `tlx.train` returns to a sweeper: the chosen epoch's validation accuracy, or R2."""
        return self.metrics.get("val_accuracy", self.metrics.get("val_r2"))


def read_tlx_run(folder: Path) -> TlxRun | None:
    """Read a tlx run's `result.json`.

    Returns:
        None where there is none, or where it is damaged or another program's.
    """
    try:
        content = read_json(folder / RESULT_FILE)
        if not (isinstance(content, dict) and content.keys() >= _FIELDS_OF_A_RUN):
            return None
        return _run(content)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _run(content: dict[str, Any]) -> TlxRun:
    error = content.get("error")
    stopped = isinstance(error, str) and error.split(":")[0] in _STOPPED_BY_USER
    memory = content["peak_memory_mb"].get("process")
    return TlxRun(
        status="cancelled" if stopped else str(content["status"]),
        metrics=flat_numbers(content["metrics"]),
        seconds=round(sum(float(value) for value in content["seconds"].values()), 3),
        peak_memory_mb=None if memory is None else float(memory),
        error=error,
        started_at=content.get("started_at"),
        finished_at=content.get("finished_at"),
        resumed=int(content.get("resumed", 0)),
    )
