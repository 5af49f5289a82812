"""The picture of a run's history: its epochs, or the path of a probe."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tlx.errors import TlxError
from tlx.reports.figures import ACCURACY, ScoreCurve, learning_curves_figure
from tlx.reports.path_figure import path_curves_figure
from tlx.runs.history_file import HISTORY_FILE, history_numbers


def history_figure(folder: Path, best_epoch: int | None, score: ScoreCurve = ACCURACY) -> Path:
    """Draw learning curves, or a probe's curves over its path, into a run's folder.

    Args:
        folder: The run's folder, with its history.
        best_epoch: The chosen epoch, or point of the path, counted from 1.
        score: The validation score that is drawn.

    Returns:
        The file written.

    Raises:
        TlxError: Where there is no history, or a damaged one.
    """
    try:
        history = pd.DataFrame(history_numbers(folder))
    except FileNotFoundError:
        raise TlxError(f"{folder} has no {HISTORY_FILE} to draw.") from None
    if "epoch" in history:
        curves = folder / "learning_curves.png"
        learning_curves_figure(history, curves, best_epoch, score)
    else:
        curves = folder / "path_curves.png"
        path_curves_figure(history, curves, best_epoch or 1)
    return curves
