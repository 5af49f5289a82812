"""What `result.json` tells of a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tlx.errors import TlxError
from tlx.runs.atomic import write_json
from tlx.runs.record_file import read_record

RESULT_FILE = "result.json"
Status = Literal["running", "completed", "failed"]


@dataclass
class Result:
    """The story of a run in numbers.

    Args:
        command: The command line that runs this run again.
        status: `running` until the run ends; a killed run stays `running`.
        metrics: Scores by split: `val` of the chosen epoch, `test` once, of that epoch.
        data: Images of each class in each split, and what is to be said of their files.
        parameters: How many weights train, and how many there are.
        best_epoch: The epoch (counted from 1) whose weights were kept, by validation accuracy, or
            RMSE where a number is predicted.
        epochs: Epochs trained.
        seconds: Wall time by phase, over all attempts.
        activations: What the run read from the activation store, or why it did not.
        peak_memory_mb: Most memory the process held, in 10^6 bytes; `device` for an accelerator.
        started_at: ISO 8601, UTC.
        finished_at: ISO 8601, UTC, once the run has ended.
        resumed: How many times the run was taken up again.
        error: The error that ended it, as the last lines of its traceback give it.
        id: The run's own id, which its checkpoints carry; empty in runs of older versions.
        format: Version of this file's layout.
    """

    command: str = ""
    status: Status = "running"
    metrics: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    best_epoch: int | None = None
    epochs: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    activations: dict[str, Any] = field(default_factory=dict)
    peak_memory_mb: dict[str, float] = field(default_factory=dict)
    started_at: str = ""
    finished_at: str | None = None
    resumed: int = 0
    error: str | None = None
    id: str = ""
    format: int = 1

    def write(self, folder: Path) -> None:
        """Write the result into a run's folder, atomically."""
        write_json(folder / RESULT_FILE, asdict(self))


def read_result(folder: Path) -> Result:
    """Read a run's result.

    Raises:
        TlxError: Where the folder holds none, or one that cannot be read.
    """
    try:
        return read_record(folder / RESULT_FILE, Result)
    except FileNotFoundError:
        raise TlxError(f"{folder} is not the folder of a run: it has no {RESULT_FILE}.") from None
