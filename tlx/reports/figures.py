"""Figures for papers, as PNG files: confusion matrices and learning curves.

Drawn with matplotlib's object interface: pyplot is slow to import and holds global state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tlx.runs.atomic import atomic_path

RESOLUTION_DPI = 300
SINGLE_COLUMN_INCHES = 3.5
DOUBLE_COLUMN_INCHES = 7.0
MAX_CLASSES_WITH_COUNTS = 20
MAX_TICK_LABELS = 50
MAX_TICK_LABEL_CHARACTERS = 24

# Okabe and Ito's palette, told apart with any colour vision (https://jfly.uni-koeln.de/color/).
BLUE, VERMILLION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"
LABEL_POINTS, TICK_POINTS = 8.0, 7.0
CURVE_COLUMNS = ("epoch", "train_loss", "val_loss", "learning_rate")

History = pd.DataFrame | Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class ScoreCurve:
    """How the validation score of the epochs is drawn.

    Args:
        column: Its column in the history.
        label: What the axis is called.
        loss_label: What the axis of the losses is called.
        written: How the best epoch's score is written.
        factor: What the score is multiplied by.
        higher_is_better: Whether the highest score is the best.
    """

    column: str
    label: str
    loss_label: str
    written: str = "{:.4g}"
    factor: float = 1.0
    higher_is_better: bool = True


ACCURACY = ScoreCurve(
    "val_accuracy", "validation accuracy (%)", "loss (nats)", "{:.1f} %", factor=100
)
RMSE = ScoreCurve("val_rmse", "validation RMSE", "loss", higher_is_better=False)


def confusion_matrix_figure(
    matrix: Sequence[Sequence[int]], class_names: Sequence[str], path: Path
) -> None:
    """Write a confusion matrix as a PNG. Arguments as for `draw_confusion_matrix`."""
    write_png(draw_confusion_matrix(matrix, class_names), path)


def learning_curves_figure(
    history: History, path: Path, best_epoch: int | None = None, score: ScoreCurve = ACCURACY
) -> None:
    """Write learning curves as a PNG. Arguments as for `draw_learning_curves`."""
    write_png(draw_learning_curves(history, best_epoch, score), path)


def draw_confusion_matrix(matrix: Sequence[Sequence[int]], class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix, shaded by the share of each row (recall on the diagonal).

    Up to 20 classes the counts are written in the cells; beyond, the shading follows the square
    root of the share, so that rare confusions stay visible. The figure is one paper column wide
    up to 10 classes, two columns beyond.

    Args:
        matrix: Image counts, classes x classes; row = true class, column = predicted class.
        class_names: One name per class.

    Returns:
        The figure, not yet saved.

    Raises:
        ValueError: The matrix is not square, or does not fit the names.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    classes = len(class_names)
    if counts.shape != (classes, classes):
        raise ValueError(
            f"confusion matrix of shape {counts.shape} does not fit {classes} class names"
        )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    width = SINGLE_COLUMN_INCHES if classes <= 10 else DOUBLE_COLUMN_INCHES
    figure = empty_figure(width, width * 0.92)
    axes = figure.add_subplot()
    shades = LinearSegmentedColormap.from_list("white to blue", ["#FFFFFF", BLUE, "#002B45"])
    with_counts = classes <= MAX_CLASSES_WITH_COUNTS
    scale = PowerNorm(1.0 if with_counts else 0.5, vmin=0, vmax=1)
    image = axes.imshow(shares, cmap=shades, norm=scale, interpolation="nearest")
    _label_classes(axes, class_names)
    if with_counts:
        _write_counts(axes, counts, shares)
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1] if with_counts else [0, 0.01, 0.05, 0.2, 0.5, 1]
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.02, ticks=ticks, format="%g")
    bar.set_label("share of the true class's images", fontsize=LABEL_POINTS)
    bar.ax.tick_params(labelsize=TICK_POINTS, length=2)
    bar.outline.set_linewidth(0.5)
    return figure


def draw_learning_curves(
    history: History, best_epoch: int | None = None, score: ScoreCurve = ACCURACY
) -> Figure:
    """Draw loss, a validation score and learning rate over the epochs, one panel each.

    Args:
        history: One row per epoch with `epoch`, `train_loss`, `val_loss`, the score's column
            (`val_accuracy`, fraction in [0, 1]), `learning_rate`. NaN where nothing was measured.
        best_epoch: The epoch that was kept, marked in the panels. By default the first one with
            the best validation score.
        score: Which validation score.

    Returns:
        The figure, not yet saved.

    Raises:
        ValueError: There is no epoch, a column is missing, or `best_epoch` is not in `history`.
    """
    frame = _history_frame(history, score)
    best = _best_epoch(frame, score) if best_epoch is None else best_epoch
    if best is not None and best not in frame["epoch"].to_list():
        raise ValueError(f"best_epoch={best} is not among the epochs of the history")
    figure = empty_figure(SINGLE_COLUMN_INCHES, 4.4)
    panels = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1.4])
    loss, scored, rate = panels
    _curve(loss, frame, "train_loss", "training", BLUE, "o")
    _curve(loss, frame, "val_loss", "validation", VERMILLION, "s", dashed=True)
    _curve(scored, frame, score.column, "_validation", VERMILLION, "s", dashed=True)
    _curve(rate, frame, "learning_rate", "_learning rate", GREEN, "^")
    labels = (score.loss_label, score.label, "learning rate")
    for axes, label in zip(panels, labels, strict=True):
        _style_panel(axes, label)
    _style_epochs(rate, frame["epoch"])
    if best is not None:
        _mark_best(panels, frame, best, score)
    loss.legend(fontsize=TICK_POINTS, frameon=False)
    figure.align_ylabels(panels)
    return figure


def style_axes(axes: Axes, label: str) -> None:
    """Label the vertical axis, and leave the frame and grid light, as in all of tlx's figures."""
    axes.set_ylabel(label, fontsize=LABEL_POINTS)
    axes.tick_params(labelsize=TICK_POINTS, length=2, width=0.5)
    axes.grid(linewidth=0.3, color="#CCCCCC")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_linewidth(0.5)


def write_png(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG of 300 dots per inch, at once or not at all.

    Args:
        figure: The figure to write.
        path: The file to make or replace; missing folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as unfinished:
        figure.savefig(
            unfinished, format="png", dpi=RESOLUTION_DPI, bbox_inches="tight", pad_inches=0.03
        )


def empty_figure(width_inches: float, height_inches: float) -> Figure:
    """Return an empty figure that draws without a display."""
    figure = Figure(figsize=(width_inches, height_inches), layout="compressed", dpi=RESOLUTION_DPI)
    FigureCanvasAgg(figure)
    return figure


def _label_classes(axes: Axes, class_names: Sequence[str]) -> None:
    """Name rows and columns; with many classes every second, third, ... one only."""
    classes = len(class_names)
    step = -(-classes // MAX_TICK_LABELS)
    shown = range(0, classes, step)
    names = [_shortened(class_names[index]) for index in shown]
    points = TICK_POINTS if classes <= 20 else max(4.5, min(TICK_POINTS, 230 / len(names)))
    widest_points = 0.65 * points * max(map(len, names))
    upright = widest_points > 72 * _inches_per_cell(classes) * step
    # Class names are data: a dollar sign in one must not start a formula.
    axes.set_xticks(shown, names, fontsize=points, rotation=90 if upright else 0, parse_math=False)
    axes.set_yticks(shown, names, fontsize=points, parse_math=False)
    axes.tick_params(length=2, width=0.5)
    axes.spines[:].set_linewidth(0.5)
    axes.set_xlabel("predicted class", fontsize=LABEL_POINTS)
    axes.set_ylabel("true class", fontsize=LABEL_POINTS)


def _shortened(name: str) -> str:
    """Return the name, cut where it would take the room of the matrix."""
    too_long = len(name) > MAX_TICK_LABEL_CHARACTERS
    return name[: MAX_TICK_LABEL_CHARACTERS - 1] + "…" if too_long else name


def _inches_per_cell(classes: int) -> float:
    """Return about how wide a cell is, beside class names of usual length."""
    return (2.3 if classes <= 10 else 5.0) / classes


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """Write each count in its cell, small enough for the longest one; zeros in grey."""
    digits = len(str(counts.max()))
    points = max(3.5, min(TICK_POINTS, 72 * _inches_per_cell(len(counts)) / (0.75 * digits)))
    for row, column in np.ndindex(counts.shape):
        dark = shares[row, column] > 0.4
        colour = "white" if dark else ("#999999" if counts[row, column] == 0 else "black")
        axes.text(
            column, row, str(counts[row, column]), ha="center", va="center",
            fontsize=points, color=colour,
        )  # fmt: skip


def _history_frame(history: History, score: ScoreCurve) -> pd.DataFrame:
    """Return the history in epoch order, checked."""
    frame = pd.DataFrame(history)
    if frame.empty:
        raise ValueError("the history has no epochs")
    needed = [*CURVE_COLUMNS, score.column]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise ValueError(f"the history lacks the columns {', '.join(missing)}")
    frame = frame[needed].sort_values("epoch", ignore_index=True)
    return frame.assign(**{score.column: score.factor * frame[score.column]})


def _best_epoch(frame: pd.DataFrame, score: ScoreCurve) -> int | None:
    """Return the first epoch with the best validation score, None if none was measured."""
    values = frame[score.column]
    if values.isna().all():
        return None
    place = values.argmax() if score.higher_is_better else values.argmin()
    return int(frame["epoch"].iloc[int(place)])


def _curve(
    axes: Axes,
    frame: pd.DataFrame,
    column: str,
    label: str,
    colour: str,
    marker: str,
    dashed: bool = False,
) -> None:
    """Draw one column over the epochs, joined over epochs where it was not measured.

    Curves are told apart without colour too: by markers, or by dashes where markers would touch.
    """
    measured = frame.dropna(subset=[column])
    few = len(measured) <= 40
    axes.plot(
        measured["epoch"], measured[column], label=label, color=colour, linewidth=1.0,
        linestyle="--" if dashed and not few else "-",
        marker=marker if few else None, markersize=2.5,
    )  # fmt: skip


def _style_panel(axes: Axes, label: str) -> None:
    """Label the vertical axis, and write its numbers short."""
    style_axes(axes, label)
    axes.yaxis.get_offset_text().set_fontsize(TICK_POINTS)
    axes.ticklabel_format(axis="y", scilimits=(-2, 4), useMathText=True)


def _style_epochs(axes: Axes, epochs: pd.Series[int]) -> None:
    """Label the horizontal axis, with ticks at whole epochs only."""
    axes.set_xlabel("epoch", fontsize=LABEL_POINTS)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    margin = max(0.5, 0.02 * len(epochs))
    axes.set_xlim(epochs.iloc[0] - margin, epochs.iloc[-1] + margin)


def _mark_best(panels: Sequence[Axes], frame: pd.DataFrame, best: int, score: ScoreCurve) -> None:
    """Draw a line through all panels at the best epoch, and name it and its score."""
    loss, scored, _ = panels
    for axes in panels:
        label = f"best epoch ({best})" if axes is loss else "_best epoch"
        axes.axvline(best, color=GREY, linewidth=0.8, linestyle=":", label=label, zorder=1)
    value = frame.loc[frame["epoch"] == best, score.column].iloc[0]
    if not pd.isna(value):
        scored.plot(
            [best], [value], linestyle="", marker="o", markersize=6, markerfacecolor="none",
            markeredgecolor="black", markeredgewidth=0.8,
            label=f"{score.written.format(value)} at epoch {best}",
        )  # fmt: skip
        corner: Literal["lower right", "upper right"] = (
            "lower right" if score.higher_is_better else "upper right"
        )
        scored.legend(fontsize=TICK_POINTS, frameon=False, loc=corner)
