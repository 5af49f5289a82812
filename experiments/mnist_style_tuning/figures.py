"""The experiment's pictures, drawn like those of `tlx.reports.figures`."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from tlx.reports.figures import (
    BLUE,
    GREEN,
    GREY,
    LABEL_POINTS,
    RESOLUTION_DPI,
    SINGLE_COLUMN_INCHES,
    TICK_POINTS,
    VERMILLION,
    style_axes,
)

CURVES = ((VERMILLION, "s"), (BLUE, "o"), (GREEN, "^"), (GREY, "D"))


def draw_sensitivity(means: pd.DataFrame) -> Figure:
    """Draw the test accuracy over the learning rate, one curve per layer width.

    Args:
        means: `width`, `learning_rate`, `test_accuracy` (fractions), `spread` (the same, may be
            NaN).
    """
    figure, axes = _panel()
    for (colour, marker), (width, curve) in zip(CURVES, means.groupby("width"), strict=False):
        spread = None if curve["spread"].isna().all() else 100 * curve["spread"]
        axes.errorbar(
            curve["learning_rate"], 100 * curve["test_accuracy"], yerr=spread,
            label=f"{width:g} x width", color=colour, marker=marker, markersize=3.5,
            linewidth=1.0, elinewidth=0.6, capsize=1.5,
        )  # fmt: skip
    axes.set_xscale("log")
    rates = sorted(set(means["learning_rate"]))
    axes.xaxis.set_major_locator(FixedLocator(rates))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    _label(axes, "learning rate", "test accuracy (%)")
    return figure


def draw_wall_time(timings: pd.DataFrame) -> Figure:
    """Draw a sweep's wall time over the number of slots, beside a perfect division.

    Args:
        timings: `slots`, `wall_s` (of the whole command), `jobs_s` (without its start).
    """
    figure, axes = _panel()
    frame = timings.sort_values("slots")
    slots = frame["slots"]
    ideal = frame["jobs_s"].iloc[0] * slots.iloc[0] / slots
    _line(axes, slots, frame["wall_s"], "whole command", BLUE, "o")
    _line(axes, slots, frame["jobs_s"], "first job to last", VERMILLION, "s")
    axes.plot(slots, ideal, label="perfect division", color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xticks(slots.to_list(), [f"{count:g}" for count in slots])
    axes.set_xlim(slots.min() - 0.25, slots.max() + 0.25)
    axes.set_ylim(0, 1.15 * frame["wall_s"].max())
    _label(axes, "slots", "wall time (s)")
    return figure


def _panel() -> tuple[Figure, Axes]:
    size = (SINGLE_COLUMN_INCHES, 2.6)
    figure = Figure(figsize=size, layout="compressed", dpi=RESOLUTION_DPI)
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _line(
    axes: Axes, x: pd.Series[float], y: pd.Series[float], label: str, colour: str, marker: str
) -> None:
    axes.plot(x, y, label=label, color=colour, marker=marker, markersize=3.5, linewidth=1.0)
    for slots, seconds in zip(x, y, strict=True):
        axes.annotate(
            f"{seconds:.0f} s", (slots, seconds), (0, 4), textcoords="offset points",
            ha="center", fontsize=TICK_POINTS, color=colour,
        )  # fmt: skip


def _label(axes: Axes, horizontal: str, vertical: str) -> None:
    axes.set_xlabel(horizontal, fontsize=LABEL_POINTS)
    style_axes(axes, vertical)
    axes.legend(fontsize=TICK_POINTS, frameon=False)
