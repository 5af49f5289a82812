"""Choosing the features that tell most about the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SELECTION: Final = ("none", "chi2", "anova", "mutual_info", "rfe", "random_forest")


def selected(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    method: str,
    count: int | None,
    seed: int,
) -> tuple[int, ...] | None:
    """Return the positions of the best features, ascending; None keeps all.

    Args:
        features: Training rows, scaled and encoded, shape (n, d).
        labels: Class indices, shape (n,).
        method: `chi2` (of features brought to [0, 1], as counts must not be negative), `anova`
            (F test), `mutual_info` (Kraskov et al. 2004; Ross 2014), `rfe` (recursive elimination
            by a logistic regression; Guyon et al. 2002), `random_forest` (mean decrease in
            impurity; Breiman 2001), or `none`.
        count: How many; None keeps all.
        seed: Seed of what draws numbers.
    """
    if method == "none" or count is None or count >= features.shape[1]:
        return None
    if method == "rfe":
        from sklearn.feature_selection import RFE
        from sklearn.linear_model import LogisticRegression

        chosen = RFE(LogisticRegression(max_iter=1000), n_features_to_select=count)
        return tuple(np.flatnonzero(chosen.fit(features, labels).support_).tolist())
    scores = np.nan_to_num(_scores(features, labels, method, seed), nan=-1.0)
    best = np.argsort(-scores, kind="stable")[:count]
    return tuple(sorted(best.tolist()))


def _scores(
    features: NDArray[np.float64], labels: NDArray[np.int64], method: str, seed: int
) -> NDArray[np.float64]:
    """Return a score for each feature, shape (d,); NaN where it is constant."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_selection import chi2, f_classif, mutual_info_classif
    from sklearn.preprocessing import MinMaxScaler

    scores: NDArray[np.float64]
    if method == "chi2":
        scores = chi2(MinMaxScaler().fit_transform(features), labels)[0]
    elif method == "anova":
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = f_classif(features, labels)[0]
    elif method == "mutual_info":
        scores = mutual_info_classif(features, labels, random_state=seed)
    else:
        forest = RandomForestClassifier(n_estimators=100, random_state=seed)
        scores = forest.fit(features, labels).feature_importances_
    return scores
