"""The estimators among scikit-learn's own tools."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import set_config
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.sklearn.given import blobs, digits, quick
from tlx.sklearn import TransferClassifier, TransferRegressor


def test_grid_search_over_strategies_and_learning_rates_finds_a_best_one() -> None:
    images, labels = digits(32)
    grid = {"strategy": ["feature_extraction", "probe_ridge"], "learning_rate": [1e-4, 1e-2]}
    search = GridSearchCV(TransferClassifier(**quick()), grid, cv=2).fit(images, labels)
    scores = search.cv_results_["mean_test_score"].reshape(2, 2)  # learning rate, strategy
    assert scores[0, 1] == scores[1, 1]  # a probe takes no steps
    assert search.best_score_ == scores.max()
    assert search.predict(images).shape == (32,)


def test_cross_val_score_by_probabilities_of_two_classes() -> None:
    rows, labels = blobs()
    model = TransferClassifier(epochs=15, learning_rate=0.01, random_state=0)
    scores = cross_val_score(model, rows, labels == 0, cv=3, scoring="roc_auc")
    assert (scores > 0.9).all()


def test_pipeline_ends_in_an_estimator_or_in_one_on_its_features() -> None:
    rows, labels = blobs()
    last = make_pipeline(StandardScaler(), TransferClassifier(epochs=15, random_state=0))
    assert last.fit(rows, labels).score(rows, labels) > 0.7
    images, digit = digits(48)
    as_pixels = FunctionTransformer(lambda flat: flat.reshape(-1, 8, 8).astype(np.uint8))
    features = TransferClassifier(**quick())
    whole = make_pipeline(as_pixels, features, StandardScaler(), LogisticRegression())
    flat = images.reshape(48, -1)
    assert whole.fit(flat[:36], digit[:36]).score(flat[36:], digit[36:]) > 0.5


def test_clone_has_the_parameters_and_no_fit() -> None:
    rows, labels = blobs()
    model = TransferRegressor(epochs=2, overrides=("trainer.threads=1",), random_state=1)
    copied = clone(model.fit(rows, labels))
    assert copied.get_params() == model.get_params()
    assert not hasattr(copied, "model_")


def test_pandas_in_gives_pandas_out_with_checked_names() -> None:
    rows, labels = blobs()
    frame = pd.DataFrame(rows, columns=["a", "b", "c", "d"], index=range(100, 190))
    model = TransferClassifier(epochs=2, random_state=0).set_output(transform="pandas")
    found = model.fit(frame, pd.Series(labels)).transform(frame)
    assert found.columns.tolist() == [f"transferclassifier{place}" for place in range(50)]
    assert found.columns.tolist() == model.get_feature_names_out().tolist()
    assert found.index.tolist() == list(range(100, 190))
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        model.predict(frame.rename(columns={"a": "z"}))


def test_estimator_is_shown_by_its_parameters() -> None:
    set_config(display="text")
    try:
        assert repr(TransferClassifier(epochs=3)) == "TransferClassifier(epochs=3)"
    finally:
        set_config(display="diagram")
