"""Whole runs that predict a number: strategies, the store, evaluate, predict, resume, sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from tests.data.numbers import houses
from tests.data.wine_table import written
from tests.tiny import result_of
from tests.training.interrupts import interrupts_restored
from tlx.backbones.weights.card import read_card
from tlx.config.builders import plain
from tlx.config.composition import compose_config
from tlx.errors import TlxError
from tlx.evaluate import evaluate
from tlx.evaluate import main as evaluate_command
from tlx.head_banks.membership import alone_because
from tlx.predict import main as predict
from tlx.runs.run import RunInterrupted
from tlx.sweeps.tlx_run import read_tlx_run
from tlx.train import resume, train
from tlx.training.history import EpochHistory

MLP = ("backbone=mlp", "backbone.hidden=[16,8]", "trainer.threads=1", "trainer.epochs=12",
       "optimizer.lr=0.02", "trainer.batch_size=16", "data.target_scaling=standard")  # fmt: skip
SCRATCH = ("strategy=structure_reuse", "strategy.init=scratch")


def words(table: str, *overrides: str) -> list[str]:
    data = ["data=table_regression", f"data.path={table}", "data.label_column=price"]
    return [*data, *MLP, *overrides]


def run(folder: Path, table: str, *overrides: str) -> float:
    return train(compose_config(words(table, *overrides)), folder)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("tables"), houses(), "houses.csv")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, table: str) -> tuple[Path, float]:
    """Return a finished run from scratch, and what it returned."""
    folder = tmp_path_factory.mktemp("source") / "run"
    return folder, run(folder, table, *SCRATCH)


def test_regression_run_scores_are_those_of_its_predictions_in_own_units(
    source: tuple[Path, float],
) -> None:
    folder, returned = source
    recorded, prices = result_of(folder), houses()["price"]
    rows = pd.read_csv(folder / "predictions.csv")
    assert list(rows.columns) == ["split", "sample_id", "target", "prediction"]
    np.testing.assert_allclose(rows["target"], prices[rows["sample_id"]], rtol=1e-6)
    for split, part in rows.groupby("split"):
        scores = recorded["metrics"][split]
        pair = (part["target"], part["prediction"])
        assert scores["r2"] == pytest.approx(r2_score(*pair), abs=1e-6)
        assert scores["mae"] == pytest.approx(mean_absolute_error(*pair), rel=1e-5)
        assert scores["rmse"] == pytest.approx(root_mean_squared_error(*pair), rel=1e-5)
    assert recorded["metrics"]["test"]["r2"] > 0.9
    assert returned == recorded["metrics"]["val"]["r2"]


def test_regression_run_keeps_the_epoch_of_lowest_validation_rmse(
    source: tuple[Path, float],
) -> None:
    folder, _ = source
    history = pd.read_csv(folder / "metrics.csv")
    best = history.iloc[int(history["val_rmse"].argmin())]
    assert result_of(folder)["best_epoch"] == best["epoch"]
    scores = result_of(folder)["metrics"]["val"]
    assert scores["rmse"] == pytest.approx(best["val_rmse"], rel=1e-5)
    assert scores["r2"] == pytest.approx(best["val_r2"], abs=1e-5)


def test_regression_run_stops_early_where_rmse_no_longer_falls(table: str, tmp_path: Path) -> None:
    hopeless = ("optimizer.lr=1e-12", "trainer.early_stopping_patience=2", "scheduler=constant")
    run(tmp_path / "run", table, *SCRATCH, *hopeless)
    history = pd.read_csv(tmp_path / "run/metrics.csv")
    stopped = len(history)
    assert stopped < 12
    assert history["val_rmse"].iloc[-2:].min() >= history["val_rmse"].iloc[:-2].min()


def test_regression_run_draws_curves_and_residuals(source: tuple[Path, float]) -> None:
    names = {path.name for path in source[0].iterdir()}
    assert {"learning_curves.png", "residuals.png"} <= names
    assert "confusion_matrix.png" not in names


def test_regression_run_is_found_by_a_sweep(source: tuple[Path, float]) -> None:
    folder, returned = source
    found, _ = read_tlx_run(folder)
    assert found is not None
    assert found.return_value == returned
    assert {"val_r2", "test_r2", "test_mae", "test_rmse"} <= set(found.metrics)


def test_evaluate_of_a_regression_finds_the_recorded_scores_and_draws(
    source: tuple[Path, float], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = source
    recorded = result_of(folder)["metrics"]
    assert evaluate(folder, "val").to_dict() == pytest.approx(recorded["val"])
    evaluate_command([str(folder), "--pictures"])
    said = capsys.readouterr().out
    assert "test, 24 rows, price" in said
    assert f"recorded by the run: r2 {recorded['test']['r2']:.4f}\n" in said
    assert f"drawn: {folder / 'residuals.png'}" in said


def test_evaluate_where_the_numbers_have_changed_is_refused(table: str, tmp_path: Path) -> None:
    path = written(tmp_path, houses(), "own.csv")
    run(tmp_path / "run", path, *SCRATCH, "trainer.epochs=1")
    written(tmp_path, houses().assign(price=houses()["price"] * 1000), "own.csv")
    with pytest.raises(TlxError, match="has another target now"):
        evaluate(tmp_path / "run")


def test_predict_of_a_regression_answers_with_numbers_as_the_run_scored_them(
    source: tuple[Path, float], tmp_path: Path
) -> None:
    folder, _ = source
    rows = houses().drop(columns="price")
    rows.loc[3, "area"] = np.nan
    given = written(tmp_path, rows, "new.csv")
    predict([str(folder), "--input", given, "--output", str(tmp_path / "prediction.csv")])
    prediction = pd.read_csv(tmp_path / "prediction.csv")
    assert list(prediction.columns) == ["row", "predicted", "error"]
    assert prediction.loc[3, "error"] == "a value is missing or infinite, and the run fills none in"
    assert prediction["predicted"].isna()[3]
    scored = pd.read_csv(folder / "predictions.csv").set_index("sample_id")
    scored = scored.drop(index=3, errors="ignore")
    np.testing.assert_allclose(
        prediction.set_index("row").loc[scored.index, "predicted"], scored["prediction"], rtol=1e-5
    )


def test_card_of_a_regression_tells_the_number_and_its_scale(source: tuple[Path, float]) -> None:
    folder, _ = source
    card = read_card(folder / "model.safetensors")
    assert card is not None
    assert (card.num_classes, card.class_names) == (1, ())
    assert card.target == result_of(folder)["data"]["target"]
    assert set(card.score) == {"split", "r2", "mae", "rmse"}
    text = (folder / "MODEL_CARD.md").read_text()
    assert "tlx `mlp_16_8_relu` for the number price (output \\* " in text


@pytest.mark.parametrize(
    "strategy",
    [
        ("strategy=feature_extraction",),
        ("strategy=partial", "strategy.train_stages=1"),
        ("strategy=structure_reuse", "loss=huber"),
        ("strategy=surgical", "loss=mae"),
        ("strategy=gradual",),
        ("strategy=lp_ft", "strategy.probe=trained", "strategy.probe_epochs=2"),
    ],
    ids=lambda words: words[0],
)
def test_regression_by_every_strategy_learns_from_another_run(
    strategy: tuple[str, ...], source: tuple[Path, float], tmp_path: Path
) -> None:
    folder, _ = source
    other = houses().assign(price=lambda frame: 900 - 0.5 * frame["price"])
    transfer = (f"backbone.weights={folder}", f"data.preparation={folder}", "optimizer.lr=0.05")
    score = run(tmp_path / "run", written(tmp_path, other), *strategy, *transfer)
    assert score > 0.85


def test_regression_with_and_without_stored_activations_gives_the_same_numbers(
    source: tuple[Path, float], table: str, tmp_path: Path
) -> None:
    folder, _ = source
    transfer = (f"backbone.weights={folder}", f"data.preparation={folder}", "trainer.epochs=3")
    run(tmp_path / "off", table, "strategy=feature_extraction", *transfer, "activations=off")
    stored = ("activations=on", f"activations.folder={tmp_path / 'store'}")
    run(tmp_path / "on", table, "strategy=feature_extraction", *transfer, *stored)
    rows = [pd.read_csv(tmp_path / name / "predictions.csv") for name in ("off", "on")]
    np.testing.assert_allclose(rows[0]["prediction"], rows[1]["prediction"], rtol=1e-5)


def test_regression_interrupted_and_resumed_ends_with_the_same_numbers(
    source: tuple[Path, float],
    table: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unbroken, _ = source
    whole = EpochHistory.on_train_batch_start

    def interrupted(self: EpochHistory, trainer: Any, *given: Any) -> None:
        if trainer.current_epoch == 7:
            raise KeyboardInterrupt
        whole(self, trainer, *given)

    folder = tmp_path / "run"
    with interrupts_restored(), monkeypatch.context() as patched:
        patched.setattr(EpochHistory, "on_train_batch_start", interrupted)
        with pytest.raises(RunInterrupted):
            run(folder, table, *SCRATCH)
    resume(folder)
    columns = ["epoch", "train_loss", "val_loss", "val_rmse", "val_r2", "learning_rate"]
    whole_history, joined = (pd.read_csv(f / "metrics.csv")[columns] for f in (unbroken, folder))
    pd.testing.assert_frame_equal(joined, whole_history)
    assert result_of(folder)["metrics"] == result_of(unbroken)["metrics"]
    assert result_of(folder)["resumed"] == 1


def test_regression_jobs_train_alone(table: str) -> None:
    config = plain(compose_config(words(table, "strategy=feature_extraction")))
    assert alone_because(config) == "its loss is not cross_entropy"
