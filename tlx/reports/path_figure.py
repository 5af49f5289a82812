"""The picture of a probe's path: what each point of it is worth."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tlx.reports.figures import (
    BLUE,
    GREY,
    LABEL_POINTS,
    RESOLUTION_DPI,
    SINGLE_COLUMN_INCHES,
    TICK_POINTS,
    VERMILLION,
    style_axes,
    write_png,
)

STRENGTHS = {"penalty": "penalty", "neighbours": "number of neighbours"}
"""The columns that can be the horizontal axis, and its label."""


def path_curves_figure(history: pd.DataFrame, path: Path, best_point: int) -> None:
    """Write a probe's path as a PNG. Arguments as for `draw_path_curves`."""
    write_png(draw_path_curves(history, best_point), path)


def draw_path_curves(history: pd.DataFrame, best_point: int) -> Figure:
    """Draw loss and validation accuracy over the strengths of a path.

    Args:
        history: One row per point with `point`, `penalty` or `neighbours`, `train_loss` (nats, NaN
            where it means nothing), `val_loss` (nats) and `val_accuracy` (fraction in [0, 1]).
        best_point: The point that was kept, marked in both panels.

    Returns:
        The figure, not yet saved.

    Raises:
        ValueError: Where the history names no strength, or `best_point` is not in it.
    """
    strength = next((name for name in STRENGTHS if name in history.columns), None)
    if strength is None or best_point not in history["point"].to_list():
        raise ValueError(f"the history has no strength, or no point {best_point}")
    ordered = history.sort_values(strength)
    figure = Figure(figsize=(SINGLE_COLUMN_INCHES, 3.4), layout="compressed", dpi=RESOLUTION_DPI)
    FigureCanvasAgg(figure)
    loss, accuracy = figure.subplots(2, 1, sharex=True)
    _curve(loss, ordered[strength], ordered["train_loss"], "training", BLUE, "o")
    _curve(loss, ordered[strength], ordered["val_loss"], "validation", VERMILLION, "s")
    percent = 100 * ordered["val_accuracy"]
    _curve(accuracy, ordered[strength], percent, "_validation", VERMILLION, "s")
    chosen = ordered[ordered["point"] == best_point].iloc[0]
    label = f"kept: {chosen[strength]:g} ({100 * chosen['val_accuracy']:.1f} %)"
    for axes, title in ((loss, "loss (nats)"), (accuracy, "validation accuracy (%)")):
        name = label if axes is accuracy else "_kept"
        axes.axvline(chosen[strength], color=GREY, linewidth=0.8, linestyle=":", label=name)
        _style(axes, title)
    accuracy.set_xscale("log")
    accuracy.set_xlabel(STRENGTHS[strength], fontsize=LABEL_POINTS)
    figure.align_ylabels([loss, accuracy])
    return figure


def _curve(
    axes: Axes, strengths: pd.Series, values: pd.Series, label: str, colour: str, marker: str
) -> None:
    """Draw one column over the strengths, unless it was measured nowhere."""
    if values.notna().any():
        axes.plot(
            strengths,
            values,
            label=label,
            color=colour,
            linewidth=1.0,
            marker=marker,
            markersize=2.5,
        )


def _style(axes: Axes, label: str) -> None:
    style_axes(axes, label)
    axes.legend(fontsize=TICK_POINTS, frameon=False)
