"""What an estimator tells of its fit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from tlx.runs.result import Result


@dataclass(frozen=True)
class FitRecord:
    """The story of a fit.

    Args:
        folder: The run's folder, where it was kept; None where it was a temporary one.
        scores: Validation scores of the chosen epoch, by name.
        history: One row per epoch, or per point of a probe's path.
        best_epoch: The epoch, or point, that was chosen, counted from 1.
        result: All that `result.json` tells, as plain values.
    """

    folder: Path | None
    scores: dict[str, float]
    history: pd.DataFrame
    best_epoch: int
    result: dict[str, Any]


def record_of(place: Path, kept: Path | None, result: Result) -> FitRecord:
    """Return the record of a run that has ended.

    Args:
        place: The run's folder.
        kept: The same, where it stays.
        result: What is known of the run.
    """
    import pandas as pd

    from tlx.runs.history_file import HISTORY_FILE

    scores = result.metrics["val"]
    return FitRecord(
        folder=kept,
        scores={n: float(v) for n, v in scores.items() if isinstance(v, int | float)},
        history=pd.read_csv(place / HISTORY_FILE),
        best_epoch=int(result.best_epoch or 0),
        result=asdict(result),
    )
