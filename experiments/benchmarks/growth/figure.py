"""The picture: time and memory against size, beside a straight line."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from tlx.runs.atomic import atomic_path

UNITS = {"images": "training images", "epochs": "epochs"}


def growth_figure(frame: pd.DataFrame, path: Path) -> None:
    """Draw one column per kind: seconds above, peak memory below, both from 0.

    Args:
        frame: One row per point: `kind`, `size`, `seconds`, `peak_mb`.
        path: The picture (PNG).
    """
    kinds = list(dict.fromkeys(frame["kind"]))
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(2.4 * len(kinds), 4.2), layout="constrained")
        axes = figure.subplots(2, len(kinds), squeeze=False)
        for column, kind in enumerate(kinds):
            rows = frame[frame["kind"] == kind]
            above, below = axes[0][column], axes[1][column]
            above.plot(rows["size"], rows["seconds"], "o-", label="measured")
            first = rows.iloc[0]
            line = first["seconds"] * rows["size"] / first["size"]
            above.plot(rows["size"], line, "--", color="0.6", label="in proportion")
            below.plot(rows["size"], rows["peak_mb"], "o-")
            above.set(title=kind, ylim=(0, 1.15 * rows["seconds"].max()))
            below.set(xlabel=UNITS.get(kind, "jobs"), ylim=(0, 1.3 * frame["peak_mb"].max()))
        axes[0][0].set_ylabel("seconds")
        axes[0][0].legend(frameon=False)
        axes[1][0].set_ylabel("peak memory (MB)")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=110)
