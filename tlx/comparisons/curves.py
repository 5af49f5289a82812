"""The picture of the experiment: both tables, and what each model makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tlx.data.tables.columns.cells import numbers_of
from tlx.data.tables.features.preparation import Preparation, prepared, read_preparation
from tlx.data.tables.features.values import Cells
from tlx.inference.predictor import load_predictor
from tlx.inference.rows import read_rows, reading_of
from tlx.reports.figures import (
    BLUE,
    DOUBLE_COLUMN_INCHES,
    GREEN,
    LABEL_POINTS,
    TICK_POINTS,
    VERMILLION,
    empty_figure,
    style_axes,
    write_png,
)

POINTS = 400
LIGHT = "#BBBBBB"
LINES = {
    "source": (LIGHT, "-", 1.6),
    "adapted": (VERMILLION, "-", 1.4),
    "scratch, as short": (GREEN, "--", 1.2),
    "scratch, long": ("black", ":", 1.4),
}


def curves_figure(
    source: Path, target: Path, column: str, runs: Mapping[str, Path], path: Path
) -> None:
    """Write the picture as a PNG.

    Args:
        source: The source table.
        target: The target table.
        column: What is predicted; the other column is the horizontal axis.
        runs: Each run's folder, by its name in `LINES`.
        path: The file to write.
    """
    learned = read_preparation(runs["source"])
    (feature,) = learned.numeric
    files = {"source": source, "target": target}
    frames = {name: numbers_in(file, learned, (feature, column)) for name, file in files.items()}
    ends = pd.concat(list(frames.values()))[feature]
    x = np.linspace(ends.min(), ends.max(), POINTS)
    curves = {name: predicted_curve(folder, x) for name, folder in runs.items()}
    write_png(draw_curves(frames, feature, column, x, curves), path)


def numbers_in(path: Path, learned: Preparation, columns: Sequence[str]) -> pd.DataFrame:
    """Return some columns of a table as numbers, read as a run read its own."""
    rows, dialect = read_rows(path, learned), reading_of(learned).dialect
    return pd.DataFrame({name: numbers_of(rows[name], dialect)[0] for name in columns})


def predicted_curve(run: Path, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a run's model predicts at some places of its one feature, shape (n,)."""
    cells = Cells(x[:, None], np.empty((len(x), 0), dtype=object))
    features, _ = prepared(cells, read_preparation(run))
    predicted: NDArray[np.float64] = (
        load_predictor(run).predictions(torch.from_numpy(features)).numpy()
    )
    return predicted


def draw_curves(
    frames: Mapping[str, pd.DataFrame],
    feature: str,
    column: str,
    x: NDArray[np.float64],
    curves: Mapping[str, NDArray[np.float64]],
) -> Figure:
    """Draw the rows of both tables and the fitted curves.

    Args:
        frames: The tables, by `source` and `target`.
        feature: The column of the horizontal axis.
        column: The column that is predicted.
        x: The places of the curves, shape (n,).
        curves: What each run predicts there, shape (n,), by its name in `LINES`.
    """
    figure = empty_figure(DOUBLE_COLUMN_INCHES, 3.4)
    axes = figure.add_subplot()
    for name, colour in (("source", LIGHT), ("target", BLUE)):
        frame, label = frames[name], f"{name} rows"
        axes.scatter(frame[feature], frame[column], s=4, color=colour, linewidths=0, label=label)
    for name, curve in curves.items():
        colour, style, width = LINES[name]
        axes.plot(x, curve, color=colour, linestyle=style, linewidth=width, label=name)
    style_axes(axes, column)
    axes.set_xlabel(feature, fontsize=LABEL_POINTS)
    axes.legend(fontsize=TICK_POINTS, frameon=False, ncols=2)
    return figure
