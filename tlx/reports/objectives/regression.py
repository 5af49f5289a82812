"""How the scores of a predicted number are shown: one table, curves, residuals."""

from __future__ import annotations

from pathlib import Path

from tlx.objectives.predictions import read_predictions
from tlx.objectives.regression import Regression
from tlx.objectives.regression_scores import RegressionScores
from tlx.reports.console import regression_table


def written(objective: Regression, scores: RegressionScores, *, title: str, encoding: str) -> str:
    """Return the scores as a table for the console."""
    return regression_table(scores, objective.target.name, title=title, encoding=encoding)


def draw(
    objective: Regression,
    folder: Path,
    scores: RegressionScores,
    best_epoch: int | None,
    split: str,
) -> list[Path]:
    """Draw a run's learning curves, and the residuals of its recorded predictions."""
    from tlx.reports.figures import RMSE
    from tlx.reports.history_figure import history_figure
    from tlx.reports.residual_figure import residual_figure

    curves = history_figure(folder, best_epoch, RMSE)
    picture = folder / "residuals.png"
    rows = read_predictions(folder, split)
    residual_figure(rows["target"], rows["prediction"], scores, objective.target.name, picture)
    return [curves, picture]
