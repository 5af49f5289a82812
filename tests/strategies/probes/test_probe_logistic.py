from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.strategies.probe_runs import (
    digits,
    features_of,
    history_of,
    model_of,
    recorded,
    run_probe,
)
from tests.tiny import result_of
from tlx.evaluate import evaluate
from tlx.strategies.probes.probe_logistic import ProbeLogistic


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "logistic"
    path = ("strategy.lowest_exponent=-4", "strategy.highest_exponent=0")
    run_probe(folder, "probe_logistic", "strategy.points_per_decade=1", *path)
    return folder


def reference(c: float) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, tol=1e-7, max_iter=10_000))


def test_probe_logistic_run_has_the_scores_of_scikit_learn_along_the_path(run: Path) -> None:
    task, model, history = digits(), model_of(run), history_of(run)
    train, val = features_of(model, task.train), features_of(model, task.val)
    np.testing.assert_allclose(history["penalty"], [1e4, 1e3, 1e2, 1e1, 1e0])
    for row in history.to_dict("records"):
        expected = reference(1 / row["penalty"]).fit(train, task.train.labels)
        assert row["val_accuracy"] == pytest.approx(expected.score(val, task.val.labels))
        for images, labels, loss in (
            (train, task.train.labels, row["train_loss"]), (val, task.val.labels, row["val_loss"]),
        ):  # fmt: skip
            expected_loss = log_loss(labels, expected.predict_proba(images))
            assert loss == pytest.approx(expected_loss, abs=2e-4)


def test_probe_logistic_run_predicts_as_scikit_learn_at_the_kept_point(run: Path) -> None:
    task, model, history = digits(), model_of(run), history_of(run)
    kept = history.iloc[result_of(run)["best_epoch"] - 1]
    assert kept["val_accuracy"] == history["val_accuracy"].max()
    expected = reference(1 / kept["penalty"])
    expected.fit(features_of(model, task.train), task.train.labels)
    probabilities = expected.predict_proba(features_of(model, task.test))
    np.testing.assert_allclose(recorded(run, "test")[0], probabilities, atol=1e-3)


def test_probe_logistic_evaluated_from_its_file_gives_the_recorded_scores(run: Path) -> None:
    again, before = evaluate(run).to_dict(), result_of(run)["metrics"]["test"]
    assert again["confusion_matrix"] == before["confusion_matrix"]
    assert again["loss"] == pytest.approx(before["loss"], abs=1e-5)


def test_probe_logistic_with_an_empty_range_is_a_fault() -> None:
    (fault,) = ProbeLogistic.faults(("a",), lowest_exponent=1, highest_exponent=0)
    assert fault.key == "strategy.highest_exponent"
