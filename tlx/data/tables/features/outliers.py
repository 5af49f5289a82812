"""Rows of a table that lie far from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Outliers = Literal["none", "iqr", "zscore", "isolation_forest"]
OutlierAction = Literal["flag", "drop", "clip"]
DEFAULT_LIMITS: Final = {"iqr": 1.5, "zscore": 3.0}


def bounds(
    numbers: NDArray[np.float64], method: str, limit: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the largest value of each column that is not outlying.

    Args:
        numbers: Training rows, finite, shape (n, columns).
        method: `iqr`: the quartiles, widened by `limit` interquartile ranges (Tukey 1977, 1.5 by
            default). `zscore`: the mean and `limit` standard deviations around it (3 by default).
        limit: How far is not outlying; None takes the method's default.
    """
    reach = DEFAULT_LIMITS[method] if limit is None else limit
    if method == "iqr":
        first, third = np.quantile(numbers, (0.25, 0.75), axis=0)
        width = reach * (third - first)
        return first - width, third + width
    mean, width = numbers.mean(axis=0), reach * numbers.std(axis=0)
    return mean - width, mean + width


def outlying(
    numbers: NDArray[np.float64], method: str, limit: float | None, seed: int
) -> NDArray[np.bool_]:
    """Return which rows are outlying in any column, or as a whole for the isolation forest.

    Args:
        numbers: Training rows, finite, shape (n, columns).
        method: See `Outliers`.
        limit: See `bounds`.
        seed: Seed of the isolation forest (Liu, Ting and Zhou 2008, "Isolation forest").

    Returns:
        Shape (n,).
    """
    if method == "none" or not numbers.shape[1]:
        return np.zeros(len(numbers), dtype=bool)
    if method == "isolation_forest":
        from sklearn.ensemble import IsolationForest

        judged = np.asarray(IsolationForest(random_state=seed).fit_predict(numbers))
        return np.asarray(judged == -1, dtype=np.bool_)
    lower, upper = bounds(numbers, method, limit)
    outside = (numbers < lower) | (numbers > upper)
    return np.asarray(outside.any(axis=1), dtype=np.bool_)
