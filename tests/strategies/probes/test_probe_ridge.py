from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
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
from tlx.strategies.probes.probe_ridge import ProbeRidge
from tlx.train import resume


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "ridge"
    run_probe(folder, "probe_ridge", "strategy.lowest_exponent=-2", "strategy.highest_exponent=12")
    return folder


def test_probe_ridge_run_has_the_accuracies_of_scikit_learn_along_the_path(run: Path) -> None:
    task, model, history = digits(), model_of(run), history_of(run)
    train, val = features_of(model, task.train), features_of(model, task.val)
    assert history["penalty"].to_list() == [2.0**k for k in range(-2, 13)]
    for penalty, accuracy in zip(history["penalty"], history["val_accuracy"], strict=True):
        ridge = make_pipeline(StandardScaler(), RidgeClassifier(alpha=penalty, solver="svd"))
        expected = ridge.fit(train, task.train.labels).score(val, task.val.labels)
        assert accuracy == pytest.approx(expected), penalty


def test_probe_ridge_run_keeps_the_best_point_and_predicts_as_scikit_learn_does(run: Path) -> None:
    task, model, history = digits(), model_of(run), history_of(run)
    ranked = history.sort_values(
        ["val_accuracy", "val_loss", "penalty"], ascending=[False, True, False]
    )
    assert result_of(run)["best_epoch"] == ranked["point"].iloc[0]
    assert result_of(run)["epochs"] == 15
    penalty = ranked["penalty"].iloc[0]
    ridge = make_pipeline(StandardScaler(), RidgeClassifier(alpha=penalty, solver="svd"))
    ridge.fit(features_of(model, task.train), task.train.labels)
    expected = ridge.predict(features_of(model, task.test))
    np.testing.assert_array_equal(recorded(run, "test")[1], expected)
    kept = result_of(run)["metrics"]["val"]["accuracy"]
    assert kept == pytest.approx(ranked["val_accuracy"].iloc[0])


def test_probe_ridge_run_is_far_above_chance(run: Path) -> None:
    assert result_of(run)["metrics"]["test"]["accuracy"] > 0.4


def test_probe_ridge_run_leaves_the_files_of_any_run(run: Path) -> None:
    files = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()}
    assert files >= {
        "MODEL_CARD.md", "checkpoints/best.safetensors", "config.yaml", "confusion_matrix.png",
        "metrics.csv", "model.safetensors", "path_curves.png", "predictions.csv",
        "provenance.json", "result.json",
    }  # fmt: skip
    assert list(history_of(run).columns) == [
        "point", "penalty", "train_loss", "val_loss", "val_accuracy", "seconds",
    ]  # fmt: skip
    best, model = load_file(run / "checkpoints/best.safetensors"), model_of(run).network
    assert set(best) == set(model.state_dict())
    assert best["classifier.1.weight"].equal(model.state_dict()["classifier.1.weight"])
    assert result_of(run)["parameters"]["trained"] == 1280 * 10 + 10


def test_probe_ridge_evaluated_from_its_file_gives_the_recorded_scores(run: Path) -> None:
    again, before = evaluate(run).to_dict(), result_of(run)["metrics"]["test"]
    assert again["confusion_matrix"] == before["confusion_matrix"]
    assert again["loss"] == pytest.approx(before["loss"], abs=1e-5)


def test_probe_ridge_without_the_store_gives_the_same_path(run: Path, tmp_path: Path) -> None:
    exponents = ("strategy.lowest_exponent=-2", "strategy.highest_exponent=12")
    run_probe(tmp_path / "run", "probe_ridge", "activations=off", *exponents)
    assert result_of(run)["activations"]["used"]
    assert not result_of(tmp_path / "run")["activations"]["used"]
    with_store, without = (
        f.drop(columns="seconds") for f in map(history_of, (run, tmp_path / "run"))
    )
    np.testing.assert_allclose(with_store, without, rtol=1e-4)


def test_probe_ridge_run_that_was_killed_is_solved_anew_by_resume(
    run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    for left in ("model.safetensors", "checkpoints/best.safetensors", "metrics.csv"):
        (folder / left).unlink()
    told = (folder / "result.json").read_text().replace('"completed"', '"running"')
    (folder / "result.json").write_text(told)
    assert resume(folder) == result_of(run)["metrics"]["val"]["accuracy"]
    again, before = (history_of(f).drop(columns="seconds") for f in (folder, run))
    assert again.equals(before)


def test_probe_ridge_with_an_empty_range_says_what_to_choose() -> None:
    (fault,) = ProbeRidge.faults(("a",), lowest_exponent=3, highest_exponent=1)
    assert str(fault) == (
        "strategy.highest_exponent=1: it is below strategy.lowest_exponent=3. "
        "Choose 3 or more, or a smaller strategy.lowest_exponent."
    )
