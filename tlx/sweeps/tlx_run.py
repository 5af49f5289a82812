"""What a job's folder says of a tlx run, whichever launcher started it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tlx.runs.record_file import record_of
from tlx.runs.result import RESULT_FILE, Result
from tlx.runs.stored import DamagedFileError, read_json
from tlx.sweeps.plain_values import flat_numbers

_STOPPED_BY_USER = ("RunInterrupted", "KeyboardInterrupt")
_FIELDS_OF_A_RUN = {"command", "status", "metrics", "seconds", "peak_memory_mb", "format"}
_FILES_OF_A_RUN = ("provenance.json", "config.yaml", "checkpoints", "model.safetensors")
"""A folder with one of these is a tlx run's, whatever its result.json holds."""


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


def read_tlx_run(folder: Path) -> tuple[TlxRun | None, str | None]:
    """Read a tlx run's `result.json`.

    Returns:
        The run, None where there is none, or where the file is damaged or another program's; and
        what is wrong with the file of a tlx run, in a sentence.
    """
    path = folder / RESULT_FILE
    try:
        content = read_json(path)
        if isinstance(content, dict) and content.keys() >= _FIELDS_OF_A_RUN:
            return _run(record_of(content, Result)), None
        reason = "it does not hold what tlx writes"
    except FileNotFoundError:
        return None, None
    except DamagedFileError as error:
        reason = error.reason
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error)
    if not any((folder / name).exists() for name in _FILES_OF_A_RUN):
        return None, None
    return None, str(DamagedFileError(path, reason))


def _run(result: Result) -> TlxRun:
    stopped = (result.error or "").split(":")[0] in _STOPPED_BY_USER
    return TlxRun(
        status="cancelled" if stopped else result.status,
        metrics=flat_numbers(result.metrics),
        seconds=round(sum(result.seconds.values()), 3),
        peak_memory_mb=result.peak_memory_mb.get("process"),
        error=result.error,
        started_at=result.started_at or None,
        finished_at=result.finished_at,
        resumed=result.resumed,
    )
