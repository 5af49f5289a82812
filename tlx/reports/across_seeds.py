"""Summaries over runs that differ in their seed only: mean, spread, and tables of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import pandas as pd

from tlx.errors import TlxError, did_you_mean


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation (n - 1 in the denominator).

    Args:
        values: At least one finite number.

    Returns:
        The two; the deviation of a single value is NaN, as it is not defined.

    Raises:
        ValueError: There is no value.
    """
    if len(values) == 0:
        raise ValueError("no values to take the mean of")
    spread = statistics.stdev(values) if len(values) > 1 else math.nan
    return statistics.fmean(values), float(spread)


def mean_with_spread(mean: float, spread: float, digits: int = 3) -> str:
    """Return `0.912 ± 0.008`, or the mean alone where the spread is NaN."""
    return f"{mean:.{digits}f}" + ("" if math.isnan(spread) else f" ± {spread:.{digits}f}")


def seed_table(rows: pd.DataFrame, by: list[str], metric: str) -> pd.DataFrame:
    """Group runs and summarise a metric over the runs of each group.

    Args:
        rows: One row per run.
        by: The columns that tell groups apart (`["strategy", "train_per_class"]`); runs with the
            same values there, empty ones included, are one group.
        metric: The column to summarise (`test_accuracy`).

    Returns:
        One row per group, in order of first appearance: the `by` columns, then `n` (runs), `mean`,
        `std` (sample standard deviation, NaN for a single run), `min`, `max`.

    Raises:
        TlxError: A column is unknown, or a run has no value of the metric.
    """
    for column in (*by, metric):
        if column not in rows.columns:
            choices = [str(name) for name in rows.columns]
            raise TlxError(f"{column}: no such column. {did_you_mean(column, choices)}")
    missing = int(rows[metric].isna().sum())
    if missing:
        raise TlxError(
            f"{metric}: {missing} of {len(rows)} runs have no value. "
            "Leave those runs out, and say so where the table is shown."
        )
    summaries = []
    for key, group in rows.groupby(by, sort=False, dropna=False) if by else [((), rows)]:
        values = group[metric].astype(float)
        mean, std = mean_and_spread(values.to_list())
        summary = dict(zip(by, key, strict=True))
        summary |= {"n": len(values), "mean": mean, "std": std}
        summaries.append(summary | {"min": values.min(), "max": values.max()})
    return pd.DataFrame(summaries, columns=[*by, "n", "mean", "std", "min", "max"])


def markdown_table(frame: pd.DataFrame, digits: int = 3) -> str:
    """Return a table in GitHub's Markdown.

    Args:
        frame: What to show. Columns `mean` and `std`, where both are there, are shown as one
            column `mean ± std`.
        digits: Decimals of floating-point columns.

    Returns:
        The lines of the table, ending in a newline; numbers are aligned to the right, and missing
        values are empty.
    """
    shown = _formatted(frame, digits)
    numeric = {str(name) for name in frame.select_dtypes("number").columns} | {"mean ± std"}
    rows = [list(shown.columns), *shown.to_numpy().tolist()]
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(shown.columns))]
    right = [name in numeric for name in shown.columns]
    rule = [
        "-" * (width - 1) + ":" if is_right else "-" * width
        for width, is_right in zip(widths, right, strict=True)
    ]
    lines = []
    for row in [rows[0], rule, *rows[1:]]:
        cells = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ]
        lines.append("| " + " | ".join(cells) + " |\n")
    return "".join(lines)


def _formatted(frame: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Return the frame with every cell, and every column's name, as text."""
    columns: dict[str, list[str]] = {}
    merged = {"mean", "std"} <= set(frame.columns)
    for name in frame.columns:
        if merged and name == "mean":
            pairs = zip(frame["mean"], frame["std"], strict=True)
            columns["mean ± std"] = [mean_with_spread(mean, std, digits) for mean, std in pairs]
        elif not (merged and name == "std"):
            columns[_cell(name, digits)] = [_cell(value, digits) for value in frame[name]]
    return pd.DataFrame(columns, dtype=object)


def _cell(value: object, digits: int) -> str:
    """Return one value as the text of a cell."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.{digits}f}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
