"""A sweep's configurations, ranked by a metric over their seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tlx.errors import TlxError, did_you_mean
from tlx.reports.across_seeds import mean_with_spread, seed_table
from tlx.sweeps.overrides import is_seed
from tlx.sweeps.record import DONE, JobRecord
from tlx.sweeps.table import metric_columns, override_columns, results_table

RETURNED = "return_value"
SHOWN_BY_DEFAULT = ("val_accuracy", "test_accuracy", "val_r2", "test_r2", "test_rmse")
"""tlx's own: the score to choose by, and the score to report; of classes, and of a number."""


@dataclass(frozen=True)
class Ranking:
    """The configurations of a sweep, best first.

    Args:
        table: `rank`, a column per override that differs between jobs, `n` (complete runs), then
            each metric as text, `mean ± sample standard deviation` over the seeds.
        shared: What all jobs were asked alike (`trainer.epochs=2`).
        left_out: How many complete jobs have no finite value of the ranking metric.
    """

    table: pd.DataFrame
    shared: tuple[str, ...]
    left_out: int


def shown_metrics(records: Sequence[JobRecord]) -> list[str]:
    """Return the metrics to show where the user names none, the one to rank by first.

    These are tlx's own, else the return value where it is a number, else each job's metrics.
    """
    complete = [record for record in records if record.status in DONE]
    numbers = _numbers(complete)
    names = [name for name in SHOWN_BY_DEFAULT if name in numbers]
    if names:
        return names
    return [name for name in (RETURNED,) if name in numbers] or numbers


def rank(records: Sequence[JobRecord], metrics: Sequence[str], minimize: bool) -> Ranking:
    """Group a sweep's complete jobs over their seeds and rank the groups.

    Args:
        records: The sweep's jobs.
        metrics: What to show: names of metrics or `return_value`. The first ranks, by its mean.
        minimize: Whether a smaller value of that metric is better.

    Raises:
        TlxError: No complete job has a metric of that name.
    """
    complete = [record for record in records if record.status in DONE]
    for name in metrics:
        if name not in _numbers(complete):
            remedy = did_you_mean(name, _numbers(complete)) if complete else "No job is complete."
            raise TlxError(f"--metric {name}: no complete job has this metric. {remedy}")
    by, shared = _override_keys(complete)
    columns = {name: metric_columns(complete).get(name, name) for name in metrics}
    rows = results_table(complete)
    finite = rows[columns[metrics[0]]].map(math.isfinite)
    return Ranking(_ranked(rows[finite], by, columns, minimize), shared, int((~finite).sum()))


def _ranked(
    rows: pd.DataFrame, by: list[str], columns: dict[str, str], minimize: bool
) -> pd.DataFrame:
    first, *others = columns.values()
    rows = rows.assign(**{name: rows[name].astype(float) for name in columns.values()})
    groups = seed_table(rows, by, first)
    shown = groups[[*by, "n"]].copy()
    for key in by:  # as text, since a table's fixed decimals would show 1e-5 as 0.0000
        shown[key] = [_short(value) for value in shown[key]]
    shown[first] = _spreads(groups)
    for column in others:
        # The others may be missing or NaN in a run: a mean over the rest would mislead.
        whole = rows.groupby(by, sort=False, dropna=False)[column] if by else None
        values = [group for _, group in whole] if whole is not None else [rows[column]]
        shown[column] = [_spread_text(group) for group in values]
    order = groups["mean"].sort_values(ascending=minimize, kind="stable").index
    shown = shown.loc[order].rename(columns={column: name for name, column in columns.items()})
    shown.insert(0, "rank", range(1, len(shown) + 1))
    return shown.reset_index(drop=True)


def _short(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _spreads(groups: pd.DataFrame) -> list[str]:
    pairs = zip(groups["mean"], groups["std"], strict=True)
    return [mean_with_spread(mean, spread, digits=4) for mean, spread in pairs]


def _spread_text(values: pd.Series[float]) -> str:
    if values.isna().any():
        return ""
    spread = float(values.std()) if len(values) > 1 else math.nan
    return mean_with_spread(float(values.mean()), spread, digits=4)


def _override_keys(records: Sequence[JobRecord]) -> tuple[list[str], tuple[str, ...]]:
    """Return the columns that tell configurations apart, and what all jobs have in common."""
    jobs = override_columns(records)
    keys = [key for key in {key: None for job in jobs for key in job} if not is_seed(key)]
    differing = [key for key in keys if len({repr(job.get(key, "")) for job in jobs}) > 1]
    alike = [key for key in keys if key not in differing]
    return differing, tuple(f"{key}={_short(jobs[0][key]) or 'null'}" for key in alike)


def _numbers(records: Sequence[JobRecord]) -> list[str]:
    """Return the names of what these jobs can be ranked by."""
    table = results_table(records)
    columns = {**metric_columns(records), RETURNED: RETURNED}
    return [
        name
        for name, column in columns.items()
        if pd.api.types.is_float_dtype(table[column]) and table[column].map(math.isfinite).any()
    ]
