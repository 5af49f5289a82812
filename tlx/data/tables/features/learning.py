"""Learning a table's preparation from its training rows, with scikit-learn's transformers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tlx.data.tables.features.outliers import bounds, outlying
from tlx.data.tables.features.preparation import Changes, Preparation, clipped, encoded, filled
from tlx.data.tables.features.selection import selected
from tlx.data.tables.features.values import Cells
from tlx.data.tables.table_targets import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.typing import NDArray

Missing = Literal["error", "drop", "mean", "median", "knn"]
Scaling = Literal["standard", "minmax", "robust", "none"]
Unknown = Literal["ignore", "error"]


@dataclass(frozen=True)
class Learning:
    """What is to be learned from the training rows.

    Args:
        missing: What becomes of missing and infinite values, see `Missing`.
        neighbours: Rows averaged by `missing=knn`.
        outliers: How outliers are found: `none`, `iqr`, `zscore` or `isolation_forest`.
        outlier_action: `flag`, `drop` (training rows) or `clip`.
        outlier_limit: Interquartile ranges or standard deviations that are not outlying.
        scaling: See `Scaling`.
        unknown: What becomes of categories that no training row has, see `Unknown`.
        selection: How features are selected.
        features: How many are selected.
        seed: Seed of the forests.
        task: `classification` or `regression`: what features are selected for.
    """

    missing: str = "error"
    neighbours: int = 5
    outliers: str = "none"
    outlier_action: str = "flag"
    outlier_limit: float | None = None
    scaling: str = "standard"
    unknown: str = "ignore"
    selection: str = "none"
    features: int | None = None
    seed: int = 0
    task: str = CLASSIFICATION


@dataclass(frozen=True)
class Learned:
    """A preparation, and which training rows it was learned from.

    Args:
        preparation: How rows become features.
        outlying: Which training rows are outlying, shape (n,).
        used: Which training rows are trained on, shape (n,).
    """

    preparation: Preparation
    outlying: NDArray[np.bool_]
    used: NDArray[np.bool_]


def learn(
    train: Cells,
    targets: NDArray[Any],
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
    how: Learning,
) -> Learned:
    """Return a preparation learned from training rows alone.

    Missing values are filled in first; outliers are found and clipped or dropped in what results;
    then columns are scaled and encoded, and features selected.

    Args:
        train: The training rows, without gaps unless they are filled in.
        targets: Class indices, or numbers, shape (n,).
        numeric: Names of the numeric columns.
        categorical: Names of the categorical columns.
        how: What to learn.
    """
    start = Preparation(
        numeric, categorical, how.missing, neighbours=how.neighbours, unknown=how.unknown
    )
    start = _with_fills(start, train)
    whole = filled(train, start, Changes())
    found = outlying(whole.numbers, how.outliers, how.outlier_limit, how.seed)
    drops = how.outliers != "none" and how.outlier_action == "drop"
    used = ~found if drops else np.ones(len(train), dtype=bool)
    if drops:
        start = _with_fills(start, train.rows(used))
        whole = filled(train, start, Changes())
    if how.outlier_action == "clip" and how.outliers in ("iqr", "zscore"):
        lower, upper = bounds(whole.numbers, how.outliers, how.outlier_limit)
        start = replace(start, lower=tuple(lower.tolist()), upper=tuple(upper.tolist()))
    kept = whole.rows(used)
    within = Cells(clipped(kept.numbers, start, Changes()), kept.categories)
    learned = _encoding(start, within, how.scaling)
    features = encoded(within, learned, Changes())
    wanted = targets[used]
    places = selected(features, wanted, how.selection, how.features, how.seed, how.task)
    return Learned(replace(learned, kept=places), found, used)


def _with_fills(start: Preparation, train: Cells) -> Preparation:
    if not start.fills_in:
        return start
    from sklearn.impute import SimpleImputer

    numbers = np.where(np.isinf(train.numbers), np.nan, train.numbers)
    if start.missing == "knn":
        rows = tuple(tuple(None if np.isnan(x) else x for x in row) for row in numbers.tolist())
        start = replace(start, neighbour_rows=rows)
    elif numbers.shape[1]:
        imputer = SimpleImputer(strategy=start.missing, keep_empty_features=True).fit(numbers)
        start = replace(start, fills=tuple(imputer.statistics_.tolist()))
    if not train.categories.shape[1]:
        return start
    frequent = SimpleImputer(strategy="most_frequent", missing_values=None).fit(train.categories)
    return replace(start, fill_categories=tuple(map(str, frequent.statistics_.tolist())))


def _encoding(start: Preparation, train: Cells, scaling: str) -> Preparation:
    """Return a preparation with scales and categories learned from rows without gaps."""
    from sklearn.preprocessing import OneHotEncoder

    centres, scales = scales_of(train.numbers, scaling)
    categories: tuple[tuple[str, ...], ...] = ()
    if start.categorical:
        encoder = OneHotEncoder(handle_unknown="ignore").fit(train.categories)
        categories = tuple(tuple(map(str, known)) for known in encoder.categories_)
    return replace(start, centres=centres, scales=scales, categories=categories)


def scales_of(
    numbers: NDArray[np.float64], scaling: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what to subtract from each column and what to divide it by.

    Args:
        numbers: Training rows, finite, shape (n, columns).
        scaling: See `Scaling`.
    """
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    width = numbers.shape[1]
    if scaling == "none" or not width:
        return (0.0,) * width, (1.0,) * width
    if scaling == "minmax":
        spread = MinMaxScaler().fit(numbers)
        return tuple(spread.data_min_.tolist()), tuple((1 / spread.scale_).tolist())
    if scaling == "robust":
        robust = RobustScaler().fit(numbers)
        return tuple(robust.center_.tolist()), tuple(robust.scale_.tolist())
    standard = StandardScaler().fit(numbers)
    return tuple(standard.mean_.tolist()), tuple(standard.scale_.tolist())
