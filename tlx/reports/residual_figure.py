"""The picture of predicted numbers: how they lie beside the true ones, and what is left over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tlx.objectives.regression_scores import RegressionScores
from tlx.reports.figures import (
    BLUE,
    DOUBLE_COLUMN_INCHES,
    GREY,
    LABEL_POINTS,
    TICK_POINTS,
    VERMILLION,
    empty_figure,
    style_axes,
    write_png,
)

MOST_OPAQUE_POINTS = 200


def residual_figure(
    targets: ArrayLike, predictions: ArrayLike, scores: RegressionScores, name: str, path: Path
) -> None:
    """Write predictions and residuals as a PNG. Arguments as for `draw_residuals`."""
    write_png(draw_residuals(targets, predictions, scores, name), path)


def draw_residuals(
    targets: ArrayLike, predictions: ArrayLike, scores: RegressionScores, name: str
) -> Figure:
    """Draw predicted against true numbers, and the residuals against the predicted ones.

    Args:
        targets: The true numbers, shape (n,).
        predictions: The predicted ones, shape (n,).
        scores: Of these predictions.
        name: What the number is called.

    Returns:
        The figure, not yet saved.

    Raises:
        ValueError: Where the shapes disagree, or there is no row.
    """
    true, predicted = np.asarray(targets, np.float64), np.asarray(predictions, np.float64)
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise ValueError(f"targets {true.shape} and predictions {predicted.shape} do not fit")
    figure = empty_figure(DOUBLE_COLUMN_INCHES, 3.0)
    beside, left_over = figure.subplots(1, 2)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    beside.plot(ends, ends, color=GREY, linewidth=0.8, linestyle="--", label="perfect")
    label = f"R2 {scores.r2:.3f}, RMSE {scores.rmse:.3g}"
    _points(beside, true, predicted, BLUE, label)
    left_over.axhline(0, color=GREY, linewidth=0.8, linestyle="--")
    _points(left_over, predicted, true - predicted, VERMILLION, "_residuals")
    _style(beside, f"true {name}", f"predicted {name}")
    _style(left_over, f"predicted {name}", "residual (true - predicted)")
    beside.legend(fontsize=TICK_POINTS, frameon=False)
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, label: str) -> None:
    opacity = 1.0 if len(x) <= MOST_OPAQUE_POINTS else 0.4
    axes.scatter(x, y, s=6, color=colour, alpha=opacity, linewidths=0, label=label, zorder=2)


def _style(axes: Axes, x_label: str, y_label: str) -> None:
    style_axes(axes, y_label)
    axes.set_xlabel(x_label, fontsize=LABEL_POINTS)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_parse_math(False)  # a column's name is data: a dollar sign starts no formula
