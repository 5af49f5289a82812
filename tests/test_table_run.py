"""Whole runs on tables: every strategy, the store, evaluate, resume, transfer and prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from safetensors.torch import load_file

from tests.data.wine_table import wines, written
from tests.tiny import result_of
from tests.training.interrupts import interrupts_restored
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.errors import ConfigError
from tlx.evaluate import evaluate
from tlx.predict import main as predict
from tlx.runs.run import RunInterrupted
from tlx.strategies.base import TransferModule
from tlx.train import resume, train

MLP = ("backbone=mlp", "backbone.hidden=[16,8]", "trainer.threads=1", "trainer.epochs=8",
       "optimizer.lr=0.02", "trainer.batch_size=16")  # fmt: skip
SCRATCH = ("strategy=structure_reuse", "strategy.init=scratch")


def run(folder: Path, table: str, *overrides: str) -> float:
    cfg = compose_config(["data=table_csv", f"data.path={table}", *MLP, *overrides])
    return train(cfg, folder)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a finished run on a table with gaps, and the table."""
    folder = tmp_path_factory.mktemp("source")
    table = written(folder, wines(gaps=True))
    run(folder / "run", table, *SCRATCH, "data.missing=median")
    return folder / "run", table


def test_table_run_learns_keeps_its_preparation_and_is_scored_again(
    source: tuple[Path, str],
) -> None:
    folder, _ = source
    recorded = result_of(folder)
    assert recorded["metrics"]["test"]["accuracy"] > 0.75
    assert (folder / "preparation.json").is_file()
    assert recorded["data"]["imputed"]["train"]["hue"] > 0
    assert evaluate(folder).accuracy == recorded["metrics"]["test"]["accuracy"]


def test_table_run_partial_from_another_run_freezes_the_first_stage(
    source: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = source
    other = wines(gaps=True)
    other["label"] = other["label"].replace({"barbera": "other", "barolo": "other"})
    table = written(tmp_path, other)
    transfer = (f"backbone.weights={folder}", f"data.preparation={folder}", "strategy=partial",
                "strategy.train_stages=1")  # fmt: skip
    run(tmp_path / "off", table, *transfer, "activations=off")
    stored = (f"activations.folder={tmp_path / 'store'}", "activations=on")
    run(tmp_path / "on", table, *transfer, *stored)
    recorded = result_of(tmp_path / "on")
    # The second hidden layer (16 x 8 + 8) and a new head (8 x 2 + 2) train.
    assert recorded["parameters"]["trained"] == 154
    assert recorded["metrics"]["test"]["accuracy"] > 0.75
    accuracies = [result_of(tmp_path / n)["metrics"]["test"]["accuracy"] for n in ("on", "off")]
    assert accuracies[0] == accuracies[1]


def test_table_run_predicts_new_rows_as_it_scored_them(
    source: tuple[Path, str], tmp_path: Path
) -> None:
    folder, table = source
    predict([str(folder), "--input", table, "--output", str(tmp_path / "rows.csv")])
    prediction = pd.read_csv(tmp_path / "rows.csv").set_index("row")
    scored = pd.read_csv(folder / "predictions.csv").set_index("sample_id")
    assert len(prediction) == 178
    assert prediction.loc[scored.index, "predicted"].tolist() == scored["predicted"].tolist()
    difference = prediction.loc[scored.index, "p_barolo"] - scored["p_barolo"]
    assert float(difference.abs().max()) < 1e-5


def test_table_run_from_weights_of_another_width_is_refused(
    source: tuple[Path, str], tmp_path: Path
) -> None:
    table = written(tmp_path, wines().drop(columns="hue"))
    with pytest.raises(ConfigError, match="the weights take 8 features, and the table gives 7"):
        run(tmp_path / "run", table, f"backbone.weights={source[0]}", "strategy=partial")


def test_backbone_for_images_with_a_table_is_refused(source: tuple[Path, str]) -> None:
    given = ["data=table_csv", f"data.path={source[1]}", "data.missing=mean"]
    cfg = compose_config([*given, "backbone=resnet18", "backbone.weights=null", *SCRATCH])
    with pytest.raises(ConfigError) as caught:
        checked_plan(cfg)
    assert str(caught.value) == (
        "backbone=resnet18: it takes images, and data=table_csv gives rows of features. "
        "Use backbone=mlp."
    )


def test_mlp_with_images_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        checked_plan(compose_config(["data=digits", "backbone=mlp", *SCRATCH]))
    assert str(caught.value) == (
        "backbone=mlp: it takes rows of features, and data=digits gives images. "
        "Use data=table_csv, or a torchvision builder such as backbone=resnet18."
    )


def test_augmentation_of_a_table_is_refused(source: tuple[Path, str]) -> None:
    given = ["data=table_csv", f"data.path={source[1]}", "data.missing=mean", *MLP, *SCRATCH]
    with pytest.raises(ConfigError, match="rows of features cannot be augmented as images are"):
        checked_plan(compose_config([*given, "augmentation=light"]))


def test_table_run_interrupted_and_resumed_ends_with_the_same_numbers(
    source: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = (*SCRATCH, "data.missing=knn", "backbone.dropout=0.2", "scheduler=one_cycle")
    run(tmp_path / "whole", source[1], *given)
    step = TransferModule.training_step

    def broken(self: TransferModule, *arguments: Any) -> Any:
        if self.current_epoch == 5:
            raise KeyboardInterrupt
        return step(self, *arguments)

    with interrupts_restored(), monkeypatch.context() as patch:
        patch.setattr(TransferModule, "training_step", broken)
        with pytest.raises(RunInterrupted):
            run(tmp_path / "resumed", source[1], *given)
    assert result_of(tmp_path / "resumed")["error"].startswith("RunInterrupted: ")
    resume(tmp_path / "resumed")
    metrics = [result_of(tmp_path / name)["metrics"] for name in ("whole", "resumed")]
    assert metrics[0] == metrics[1]
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("whole", "resumed")]
    assert [name for name, value in weights[0].items() if not value.equal(weights[1][name])] == []
    kept = [(tmp_path / name / "preparation.json").read_text() for name in ("whole", "resumed")]
    assert kept[0] == kept[1]
