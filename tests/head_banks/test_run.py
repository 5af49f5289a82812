from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from omegaconf import DictConfig
from safetensors.torch import load_file

from tests.tiny import result_of
from tlx.config.composition import compose_config
from tlx.config.head_bank import run_bank
from tlx.head_banks.run import Outcome
from tlx.train import train

SMALL = (
    "strategy=feature_extraction", "data.train_per_class=4", "data.val_per_class=3",
    "data.test_fraction=0.06", "trainer.epochs=4", "trainer.batch_size=16", "trainer.threads=1",
    "trainer.device=cpu",
)  # fmt: skip

VARIED: list[tuple[str, ...]] = [
    ("optimizer.lr=3e-2", "optimizer.weight_decay=0.5", "loss.label_smoothing=0", "seed=1"),
    ("optimizer.lr=3e-2", "seed=1", "data.seed=0", "trainer.gradient_clip_norm=0.1"),
    ("data.train_per_class=5", "optimizer.lr=1e-1", "trainer.early_stopping_patience=1"),
    ("optimizer=sgd", "optimizer.lr=0.1", "scheduler=one_cycle"),
]
DIVERGING = ("optimizer=sgd", "optimizer.lr=1e30", "scheduler=constant")


def config(*words: str, activations: str = "off") -> DictConfig:
    return compose_config([*SMALL, f"activations={activations}", *words])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Varied jobs, each alone from its images and all of them as a head bank from the store."""
    root = tmp_path_factory.mktemp("bank")
    for number, words in enumerate(VARIED):
        train(config(*words), root / "alone" / str(number))
    diverging = config(*DIVERGING)
    with pytest.raises(Exception, match="became"):
        train(diverging, root / "alone" / str(len(VARIED)))
    store = f"activations.folder={root / 'store'}"
    jobs = [*VARIED, DIVERGING]
    configs = [config(*words, store, activations="auto") for words in jobs]
    places = [root / "bank" / str(number) for number in range(len(jobs))]
    outcomes = run_bank(configs, places, [f"command {n}" for n in range(len(jobs))])
    assert [outcome.error is None for outcome in outcomes] == [True] * len(VARIED) + [False]
    return root


def both(folders: Path, job: int, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    alone, bank = (pd.read_csv(folders / way / str(job) / name) for way in ("alone", "bank"))
    return alone, bank


@pytest.mark.parametrize("job", range(len(VARIED)))
def test_run_bank_gives_each_job_the_history_of_its_own_fit(folders: Path, job: int) -> None:
    alone, bank = both(folders, job, "metrics.csv")
    assert list(bank.columns) == list(alone.columns)
    for column in ("epoch", "step", "val_accuracy", "learning_rate"):
        assert bank[column].tolist() == alone[column].tolist()
    for column in ("train_loss", "val_loss"):
        assert bank[column].tolist() == pytest.approx(alone[column].tolist(), abs=1e-4)


@pytest.mark.parametrize("job", range(len(VARIED)))
def test_run_bank_gives_each_job_the_predictions_of_its_own_fit(folders: Path, job: int) -> None:
    alone, bank = both(folders, job, "predictions.csv")
    for column in ("split", "sample_id", "label", "predicted"):
        assert bank[column].tolist() == alone[column].tolist()
    assert bank["confidence"].tolist() == pytest.approx(alone["confidence"].tolist(), abs=1e-4)


@pytest.mark.parametrize("job", range(len(VARIED)))
def test_run_bank_gives_each_job_the_result_and_weights_of_its_own_fit(
    folders: Path, job: int
) -> None:
    alone, bank = folders / "alone" / str(job), folders / "bank" / str(job)
    expected, found = result_of(alone), result_of(bank)
    for key in ("status", "best_epoch", "epochs", "parameters"):
        assert found[key] == expected[key]
    assert found["command"] == f"command {job}"
    accuracy = expected["metrics"]["test"]["accuracy"]
    assert found["metrics"]["test"]["accuracy"] == accuracy
    assert {"data", "model_a", "strategy", "activations", "fit", "test"} <= set(found["seconds"])
    for file in ("model.safetensors", "checkpoints/best.safetensors"):
        states = load_file(alone / file), load_file(bank / file)
        assert all(value.allclose(states[1][name], atol=1e-4) for name, value in states[0].items())


def test_run_bank_writes_the_files_of_a_run_alone_but_pictures_and_checkpoint(
    folders: Path,
) -> None:
    alone, bank = (
        {str(p.relative_to(folders / way / "0")) for p in (folders / way / "0").rglob("*")}
        for way in ("alone", "bank")
    )
    pictures = {"confusion_matrix.png", "learning_curves.png"}
    assert alone - bank == {"checkpoints/last.ckpt"} | pictures
    assert bank <= alone


def test_run_bank_records_divergence_as_the_fit_alone_does(folders: Path) -> None:
    errors = [result_of(folders / way / str(len(VARIED)))["error"] for way in ("alone", "bank")]
    assert errors[0] == errors[1]
    assert errors[1].startswith("TrainingDivergedError: the loss became")


def test_run_bank_of_an_occupied_folder_trains_the_other_job(folders: Path, tmp_path: Path) -> None:
    occupied = folders / "bank" / "0"
    store = f"activations.folder={folders / 'store'}"
    configs = [config("trainer.epochs=1", f"seed={s}", store, activations="auto") for s in (0, 1)]
    first, second = run_bank(configs, [occupied, tmp_path], ["", ""])
    assert "already holds a run (completed)" in str(first.error)
    assert second == Outcome(accuracy=result_of(tmp_path)["metrics"]["val"]["accuracy"])


def test_run_bank_where_the_shared_part_fails_records_it_in_every_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> None:
        raise OSError("no such disk")

    monkeypatch.setattr("tlx.data.loaded.loaded", broken)
    places = [tmp_path / name for name in ("a", "b")]
    with pytest.raises(OSError, match=r"^no such disk$"):
        run_bank([config("seed=0"), config("seed=1")], places, ["", ""])
    for place in places:
        assert (result_of(place)["status"], result_of(place)["error"]) == (
            "failed",
            "OSError: no such disk",
        )
