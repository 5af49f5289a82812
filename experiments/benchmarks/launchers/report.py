"""The benchmark's tables."""

from __future__ import annotations

import math

import pandas as pd

from experiments.benchmarks.launchers.contestants import TLX
from tlx.reports.across_seeds import markdown_table


def training_table(frame: pd.DataFrame) -> str:
    """Return the sweeps of training jobs as a table.

    Args:
        frame: One row per sweep: `launcher`, `load`, `jobs` and what `measures` tells.
    """
    rows = frame[frame["load"] == "training"]
    shown = {
        "launcher": rows["launcher"],
        "jobs": _jobs(rows),
        "wall (s)": rows["wall_s"].map("{:.1f}".format),
        "until the first job (s)": rows["start_s"].map("{:.1f}".format),
        "training per job (s)": rows["job_s"].map("{:.2f}".format),
        "efficiency": rows["efficiency"].map("{:.1%}".format),
        "once warm": rows["warm_efficiency"].map("{:.1%}".format),
        "efficiency, tlx's / its": _ratio(rows, "efficiency", inverse=False),
    }
    return markdown_table(pd.DataFrame(shown))


def empty_table(frame: pd.DataFrame) -> str:
    """Return the sweeps of empty jobs as a table; `frame` as for `training_table`."""
    rows = frame[frame["load"] == "empty"]
    shown = {
        "launcher": rows["launcher"],
        "jobs": _jobs(rows),
        "wall (s)": rows["wall_s"].map("{:.1f}".format),
        "until the first job (s)": rows["start_s"].map("{:.1f}".format),
        "per job, all in (s)": rows["overhead_per_job_s"].map("{:.3f}".format),
        "per job, once warm (s)": rows["warm_overhead_per_job_s"].map("{:.3f}".format),
        "all in, its / tlx's": _ratio(rows, "overhead_per_job_s", inverse=True),
        "warm, its / tlx's": _ratio(rows, "warm_overhead_per_job_s", inverse=True),
    }
    return markdown_table(pd.DataFrame(shown))


def long_sweep_table(parts: pd.DataFrame) -> str:
    """Return the long sweep as a table, from what `by_part` tells."""
    shown = {
        "jobs done": parts["jobs"],
        "per job (s)": parts["seconds_per_job"].map("{:.3f}".format),
        "driver, Python (MB)": parts["driver_mb"].map("{:.0f}".format),
        "driver, JVM (MB)": parts["java_mb"].map("{:.0f}".format),
    }
    return markdown_table(pd.DataFrame(shown))


def _jobs(rows: pd.DataFrame) -> pd.Series[str]:
    """Return how many jobs ended, and of how many where some did not."""
    done = zip(rows["completed"].astype(int), rows["jobs"], strict=True)
    texts = [
        str(jobs) if completed == jobs else f"{completed} of {jobs}" for completed, jobs in done
    ]
    return pd.Series(texts, index=rows.index)


def _ratio(rows: pd.DataFrame, column: str, inverse: bool) -> pd.Series[str]:
    """Return how many times better tlx is than each: above 1 where it is ahead."""
    ours = rows.loc[rows["launcher"] == TLX, column]
    own = float(ours.iloc[0]) if len(ours) else math.nan
    ratios = rows[column] / own if inverse else own / rows[column]
    return ratios.map("{:.2f}".format)
