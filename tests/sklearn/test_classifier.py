from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.sklearn.given import ONE_THREAD, blobs, digits, quick, written
from tlx import api
from tlx.data.in_memory.deal import deal
from tlx.errors import TlxError
from tlx.sklearn import TransferClassifier

NAMES = np.array(["nought", "one", "two", "three"])


def on_rows(**parameters: Any) -> TransferClassifier:
    return TransferClassifier(**{"epochs": 3, "random_state": 0} | parameters)


@pytest.mark.parametrize(
    "classes", [NAMES[:3], np.array([7, -2, 30]), np.array([1.0, 2.0, 5.0])], ids=str
)
def test_classes_of_any_type_come_back(classes: NDArray[Any]) -> None:
    rows, labels = blobs()
    model = on_rows(epochs=20).fit(rows, classes[labels])
    assert model.classes_.tolist() == sorted(classes.tolist())
    found = model.predict(rows)
    assert found.dtype == classes.dtype
    assert (found == classes[labels]).mean() > 0.8
    chosen = model.predict_proba(rows).argmax(axis=1)
    assert np.array_equal(model.classes_[chosen], found)


def test_truth_values_are_two_classes() -> None:
    rows, labels = blobs()
    model = on_rows().fit(rows, labels == 1)
    assert model.classes_.tolist() == [False, True]
    assert model.predict_proba(rows).shape == (90, 2)


def test_equal_seeds_give_equal_models_and_others_do_not() -> None:
    rows, labels = blobs()
    first, second = (on_rows(random_state=4).fit(rows, labels) for _ in range(2))
    assert np.array_equal(first.predict_proba(rows), second.predict_proba(rows))
    other = on_rows(random_state=5).fit(rows, labels)
    assert not np.allclose(first.predict_proba(rows), other.predict_proba(rows))


def test_fit_tells_its_scores_history_and_epochs() -> None:
    rows, labels = blobs()
    model = on_rows(val_fraction=0.3).fit(rows, labels)
    assert model.n_iter_ == 3
    assert model.run_.folder is None
    assert model.run_.history["epoch"].tolist() == [1, 2, 3]
    best = model.run_.history.iloc[model.run_.best_epoch - 1]
    assert model.run_.scores["accuracy"] == pytest.approx(best["val_accuracy"])
    assert model.run_.scores["samples"] == 27
    assert model.run_.result["metrics"].keys() == {"val"}


def test_probe_on_rows_is_logistic_regression_on_its_standardised_features() -> None:
    rows, labels = blobs()
    path = ["strategy.lowest_exponent=0", "strategy.highest_exponent=0"]
    overrides = [*path, "strategy.gradient_tolerance=1e-9"]
    model = on_rows(strategy="probe_logistic", epochs=None, overrides=overrides).fit(rows, labels)
    train = deal(labels, 0.2, 0).train
    features = model.transform(rows)
    own = LogisticRegression(C=1.0, tol=1e-9, max_iter=100_000)
    reference = make_pipeline(StandardScaler(), own).fit(features[train], labels[train])
    expected = reference.predict_proba(features)
    np.testing.assert_allclose(model.predict_proba(rows), expected, rtol=1e-3, atol=1e-5)


def test_predictions_of_pixels_are_those_of_the_kept_run_on_the_same_images(
    tmp_path: Path,
) -> None:
    images, labels = digits()
    model = TransferClassifier(**quick(folder=tmp_path / "runs")).fit(images, NAMES[labels])
    (folder,) = (tmp_path / "runs").iterdir()
    assert model.run_.folder == folder
    table = api.load(folder).predict(written(images[:7], tmp_path / "images"), device="cpu")
    assert table["predicted"].tolist() == model.predict(images[:7]).tolist()
    columns = [f"p_{name}" for name in model.classes_]
    np.testing.assert_allclose(table[columns], model.predict_proba(images[:7]), atol=1e-5)


def test_predictions_of_files_are_those_of_the_kept_run(tmp_path: Path) -> None:
    images, labels = digits(20)
    paths = written(images.repeat(9, axis=1).repeat(12, axis=2), tmp_path / "images")
    frame = pd.DataFrame({"path": paths})
    model = TransferClassifier(**quick(folder=tmp_path / "runs")).fit(frame, labels)
    assert model.feature_names_in_.tolist() == ["path"]
    table = api.load(str(model.run_.folder)).predict(paths, device="cpu")
    columns = [f"p_{name}" for name in model.classes_]
    np.testing.assert_allclose(table[columns], model.predict_proba(frame), atol=1e-5)


def test_predictions_of_rows_are_those_of_the_kept_run(tmp_path: Path) -> None:
    rows, labels = blobs()
    frame = pd.DataFrame(rows, columns=["a", "b", "c", "d"])
    model = on_rows(folder=tmp_path).fit(frame, labels)
    table = api.load(str(model.run_.folder)).predict(frame[["d", "c", "b", "a"]])
    columns = [f"p_{name}" for name in model.classes_]
    np.testing.assert_allclose(table[columns], model.predict_proba(frame), atol=1e-5)


def test_kept_run_says_that_its_examples_are_gone(tmp_path: Path) -> None:
    rows, labels = blobs()
    model = on_rows(folder=tmp_path).fit(rows, labels)
    with pytest.raises(TlxError) as caught:
        api.load(str(model.run_.folder)).evaluate("val")
    assert "its examples are in the memory of a Python program (tlx.sklearn)" in str(caught.value)


def test_rows_start_from_an_earlier_run_and_are_prepared_as_there(tmp_path: Path) -> None:
    rows, labels = blobs()
    source = on_rows(epochs=20, folder=tmp_path).fit(rows, labels)
    target = on_rows(weights=source.run_.folder, epochs=5).fit(rows[:60] + 1.0, labels[:60] == 2)
    assert target.model_.preparation == source.model_.preparation
    assert target.run_.result["activations"]["cut"] == "hidden2"
    np.testing.assert_allclose(target.transform(rows), source.transform(rows), rtol=1e-6)


def test_pickled_model_predicts_the_same_and_forgets_the_store() -> None:
    images, labels = digits(24)
    model = TransferClassifier(**quick()).fit(images, labels)
    assert model.model_.store is not None
    again = pickle.loads(pickle.dumps(model))
    assert again.model_.store is None
    found = again.predict_proba(images)
    np.testing.assert_allclose(found, model.predict_proba(images), atol=1e-6)


def test_features_of_pixels_reach_the_head() -> None:
    images, labels = digits(24)
    model = TransferClassifier(**quick()).fit(images, labels)
    features = model.transform(images)
    assert (features.shape, features.dtype) == ((24, 1024), np.float32)
    head = model.model_.predictor.backbone.head
    weight, bias = (one.detach().numpy() for one in (head.weight, head.bias))
    logits = features @ weight.T + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(images), expected, atol=1e-5)


def test_class_of_one_example_is_trained_on_with_a_warning() -> None:
    rows, labels = blobs(30)
    labels[labels == 2] = 1
    labels[0] = 2
    with pytest.warns(UserWarning, match="single example are trained on and not validated"):
        model = on_rows(overrides=ONE_THREAD).fit(rows, labels)
    assert model.run_.result["data"]["classes_without_validation"] == ["2"]


def test_lone_examples_of_all_classes_choose_the_epoch_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="no example could be spared for validation"):
        model = on_rows().fit([[0.0], [1.0]], ["a", "b"])
    assert model.predict([[0.0], [1.0]]).shape == (2,)


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        on_rows().fit([[0.0], [1.0]], ["a", "a"])
    assert str(caught.value) == (
        "y has 1 class ('a'), there is nothing to tell apart. Give examples of two classes or more."
    )
