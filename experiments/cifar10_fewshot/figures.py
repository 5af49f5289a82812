"""The experiment's picture, drawn like those of `tlx.reports.figures`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
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
SHIFT = 0.03


def draw_accuracies(means: pd.DataFrame, methods: Sequence[Method] = METHODS) -> Figure:
    """Draw the test accuracy over the labels per class, one panel per family of methods.

    Every panel shows the network from scratch, and the one retrained from A, for comparison.
    Within a panel the points are moved apart sideways, so that error bars do not overlap.

    Args:
        means: `method`, `labels`, `mean` (fraction), `std` (may be NaN).
        methods: The methods in order.
    """
    figure = empty_figure(DOUBLE_COLUMN_INCHES, 6.6)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    shown = set(means["method"])
    for axes, family in zip(panels.flat, FAMILIES, strict=True):
        references = _references(axes, means, family)
        drawn: list[Container | Line2D] = []
        members = [m.name for m in methods if m.family == family and m.name in shown]
        for place, name in enumerate(members):
            shift = SHIFT * (place - (len(members) - 1) / 2)
            drawn.append(_line(axes, means, name, COLOURS[place], MARKERS[place], shift))
        axes.set_title(family, fontsize=LABEL_POINTS)
        _style(axes, sorted(set(means["labels"])))
        axes.legend(handles=drawn, fontsize=TICK_POINTS, frameon=False, loc="lower right")
        if family == FAMILIES[0]:
            figure.legend(
                handles=references, fontsize=TICK_POINTS, frameon=False,
                loc="outside upper center", ncols=2,
            )  # fmt: skip
    for axes in panels[:, 0]:
        axes.set_ylabel("test accuracy (%)", fontsize=LABEL_POINTS)
    for axes in panels[1, :]:
        axes.set_xlabel("labels per class", fontsize=LABEL_POINTS)
    return figure


def _references(axes: Axes, means: pd.DataFrame, family: str) -> list[Container | Line2D]:
    """Draw what every panel shows: from scratch, and retrained from A where it is no member."""
    drawn: list[Container | Line2D] = [_line(axes, means, SCRATCH, GREY, "x", 0.0, dashes="--")]
    if family != ALL:
        rows = means[means["method"] == RETRAINED].sort_values("labels")
        drawn += axes.plot(
            rows["labels"], 100 * rows["mean"],
            label=f"{RETRAINED} (all of A)", color=GREY, linestyle=":", linewidth=1.2,
        )  # fmt: skip
    return drawn


def _line(
    axes: Axes,
    means: pd.DataFrame,
    name: str,
    colour: str,
    marker: str,
    shift: float,
    dashes: str = "-",
) -> Container | Line2D:
    rows = means[means["method"] == name].sort_values("labels")
    spread = None if rows["std"].isna().all() else 100 * rows["std"]
    return axes.errorbar(
        rows["labels"] * 10**shift, 100 * rows["mean"], yerr=spread,
        label=name, color=colour, marker=marker, markersize=3.5, linestyle=dashes,
        linewidth=0.9, elinewidth=0.7, capsize=1.5,
    )  # fmt: skip


def _style(axes: Axes, labels: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(labels, [f"{count}" for count in labels])
    style_axes(axes, "")
