"""One table of an experiment's runs: scores and seconds, over seeds."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from tlx.reports.across_seeds import mean_and_spread, mean_with_spread

SCORES: Final = ("r2", "mae", "rmse")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of run: scores on test rows and seconds, mean ± spread over seeds.

    Args:
        frame: One row per run: `run`, `seed`, `epochs`, `test_r2`, `test_mae`, `test_rmse`,
            `fit_seconds`.
    """
    rows = []
    for name, runs in frame.groupby("run", sort=False):
        row = {"run": name, "data": "source" if name == "source" else "target"}
        row |= {"epochs": int(runs["epochs"].iloc[0])}
        for score in SCORES:
            row[score.upper()] = _spread(runs[f"test_{score}"])
        rows.append(row | {"fit (s)": _spread(runs["fit_seconds"], digits=1)})
    return pd.DataFrame(rows)


def _spread(values: pd.Series[Any], digits: int = 3) -> str:
    return mean_with_spread(*mean_and_spread(values.to_list()), digits=digits)
