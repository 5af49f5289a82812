"""Choosing the features that tell most about the classes, or about a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tlx.data.tables.table_targets import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scorer = Callable[[NDArray[np.float64], NDArray[Any], int], NDArray[np.float64]]

Selection = Literal["none", "chi2", "anova", "mutual_info", "rfe", "random_forest"]
FOR_CLASSES_ONLY: Final = ("chi2",)


def selected(
    features: NDArray[np.float64],
    targets: NDArray[Any],
    method: str,
    count: int | None,
    seed: int,
    task: str = CLASSIFICATION,
) -> tuple[int, ...] | None:
    """Return the positions of the best features, ascending; None keeps all.

    Args:
        features: Training rows, scaled and encoded, shape (n, d).
        targets: Class indices, or numbers, shape (n,).
        method: `chi2` (of features brought to [0, 1], as counts must not be negative; classes
            only), `anova` (F test; of numbers that of a linear regression on each feature),
            `mutual_info` (Kraskov et al. 2004; Ross 2014), `rfe` (recursive elimination by a
            logistic, or a linear, regression; Guyon et al. 2002), `random_forest` (mean decrease
            in impurity; Breiman 2001), or `none`.
        count: How many; None keeps all.
        seed: Seed of what draws numbers.
        task: `classification` or `regression`.
    """
    if method == "none" or count is None or count >= features.shape[1]:
        return None
    if method == "rfe":
        return _by_elimination(features, targets, count, task)
    score = SCORERS[task][method]
    scores = np.nan_to_num(score(features, targets, seed), nan=-1.0)
    best = np.argsort(-scores, kind="stable")[:count]
    return tuple(sorted(best.tolist()))


def _by_elimination(
    features: NDArray[np.float64], targets: NDArray[Any], count: int, task: str
) -> tuple[int, ...]:
    from sklearn.feature_selection import RFE
    from sklearn.linear_model import LinearRegression, LogisticRegression

    linear = LinearRegression() if task == REGRESSION else LogisticRegression(max_iter=1000)
    chosen = RFE(linear, n_features_to_select=count).fit(features, targets)
    return tuple(np.flatnonzero(chosen.support_).tolist())


def _chi2(features: NDArray[np.float64], labels: NDArray[Any], seed: int) -> NDArray[np.float64]:  # noqa: ARG001
    from sklearn.feature_selection import chi2
    from sklearn.preprocessing import MinMaxScaler

    scores: NDArray[np.float64] = chi2(MinMaxScaler().fit_transform(features), labels)[0]
    return scores


def _f_of_classes(
    features: NDArray[np.float64],
    labels: NDArray[Any],
    seed: int,  # noqa: ARG001
) -> NDArray[np.float64]:
    from sklearn.feature_selection import f_classif

    with np.errstate(divide="ignore", invalid="ignore"):
        scores: NDArray[np.float64] = f_classif(features, labels)[0]
    return scores


def _f_of_numbers(
    features: NDArray[np.float64],
    numbers: NDArray[Any],
    seed: int,  # noqa: ARG001
) -> NDArray[np.float64]:
    from sklearn.feature_selection import f_regression

    scores: NDArray[np.float64] = f_regression(features, numbers)[0]
    return scores


def _information_on_classes(
    features: NDArray[np.float64], labels: NDArray[Any], seed: int
) -> NDArray[np.float64]:
    from sklearn.feature_selection import mutual_info_classif

    scores: NDArray[np.float64] = mutual_info_classif(features, labels, random_state=seed)
    return scores


def _information_on_numbers(
    features: NDArray[np.float64], numbers: NDArray[Any], seed: int
) -> NDArray[np.float64]:
    from sklearn.feature_selection import mutual_info_regression

    scores: NDArray[np.float64] = mutual_info_regression(features, numbers, random_state=seed)
    return scores


def _forest_of_classes(
    features: NDArray[np.float64], labels: NDArray[Any], seed: int
) -> NDArray[np.float64]:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_estimators=100, random_state=seed).fit(features, labels)
    scores: NDArray[np.float64] = forest.feature_importances_
    return scores


def _forest_of_numbers(
    features: NDArray[np.float64], numbers: NDArray[Any], seed: int
) -> NDArray[np.float64]:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_estimators=100, random_state=seed).fit(features, numbers)
    scores: NDArray[np.float64] = forest.feature_importances_
    return scores


SCORERS: Final[Mapping[str, Mapping[str, Scorer]]] = {
    CLASSIFICATION: {
        "chi2": _chi2,
        "anova": _f_of_classes,
        "mutual_info": _information_on_classes,
        "random_forest": _forest_of_classes,
    },
    REGRESSION: {
        "anova": _f_of_numbers,
        "mutual_info": _information_on_numbers,
        "random_forest": _forest_of_numbers,
    },
}
"""A score for each feature, shape (d,), NaN where it is constant."""
