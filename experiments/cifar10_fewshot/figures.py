"""The experiment's picture, drawn like those of `tlx.reports.figures`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from experiments.cifar10_fewshot.methods import ALL, FAMILIES, METHODS, RETRAINED, SCRATCH, Method
from tlx.reports.figures import (
    DOUBLE_COLUMN_INCHES,
    GREY,
    LABEL_POINTS,
    TICK_POINTS,
    empty_figure,
    style_axes,
)

# Okabe and Ito's palette; the first is left to what every panel shows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
SHIFT = 0.022


def draw_accuracies(means: pd.DataFrame, methods: Sequence[Method] = METHODS) -> Figure:
    """Draw the test accuracy over the labels per class, one panel per family of methods.

    Every panel shows the network from scratch, and the one retrained from A, for comparison.
    Within a panel the points are moved apart sideways, so that error bars do not overlap.

    Args:
        means: `method`, `labels`, `mean` (fraction), `std` (may be NaN).
        methods: The methods in order.
    """
    figure = empty_figure(DOUBLE_COLUMN_INCHES, 6.4)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, family in zip(panels.flat, FAMILIES, strict=True):
        _references(axes, means, family)
        members = [m.name for m in methods if m.family == family]
        for place, name in enumerate(n for n in members if n in set(means["method"])):
            shift = SHIFT * (place - (len(members) - 1) / 2)
            _curve(axes, means, name, COLOURS[place], MARKERS[place], shift)
        axes.set_title(family, fontsize=LABEL_POINTS)
        _style(axes, sorted(set(means["labels"])))
    for axes in panels[:, 0]:
        axes.set_ylabel("test accuracy (%)", fontsize=LABEL_POINTS)
    for axes in panels[1, :]:
        axes.set_xlabel("labels per class", fontsize=LABEL_POINTS)
    return figure


def _references(axes: Axes, means: pd.DataFrame, family: str) -> None:
    """Draw what every panel shows: from scratch, and retrained from A where it is no member."""
    dashes = {SCRATCH: (SCRATCH, "--")}
    if family != ALL:
        dashes[RETRAINED] = (RETRAINED, ":")
    for name, (label, dash) in dashes.items():
        rows = means[means["method"] == name].sort_values("labels")
        axes.plot(
            rows["labels"], 100 * rows["mean"],
            label=label, color=GREY, linestyle=dash, linewidth=1.0,
        )  # fmt: skip


def _curve(
    axes: Axes, means: pd.DataFrame, name: str, colour: str, marker: str, shift: float
) -> None:
    rows = means[means["method"] == name].sort_values("labels")
    spread = None if rows["std"].isna().all() else 100 * rows["std"]
    axes.errorbar(
        rows["labels"] * 10**shift, 100 * rows["mean"], yerr=spread,
        label=name, color=colour, marker=marker, markersize=3.5,
        linewidth=0.9, elinewidth=0.7, capsize=1.5,
    )  # fmt: skip


def _style(axes: Axes, labels: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(labels, [f"{count}" for count in labels])
    style_axes(axes, "")
    axes.legend(fontsize=TICK_POINTS, frameon=False, loc="lower right")
