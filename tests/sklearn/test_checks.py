"""scikit-learn's own checks of an estimator: all of them, none expected to fail."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tlx.sklearn import TransferClassifier, TransferRegressor

QUICK = [TransferClassifier(epochs=5)]
WHOLE = [
    TransferClassifier(),
    TransferRegressor(),
    TransferClassifier(strategy="probe_logistic"),
    TransferClassifier(strategy="probe_knn"),
    TransferClassifier(scaling="none", epochs=60),
]


@pytest.mark.slow
@parametrize_with_checks(QUICK)
def test_quick_estimator_passes(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(WHOLE)
def test_estimator_passes(estimator: Any, check: Any) -> None:
    check(estimator)
