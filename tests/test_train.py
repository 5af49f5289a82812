from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from tests.tiny import TINY, command, environment_for_tlx, result_of, run_tiny
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.data.task import Split, Task
from tlx.errors import ConfigError, TlxError
from tlx.optimization.losses import CrossEntropy
from tlx.runs.run import Run
from tlx.strategies.divergence import TrainingDivergedError
from tlx.training.run import execute


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    run_tiny(folder)
    return folder


def test_train_writes_a_folder_that_tells_everything(run: Path) -> None:
    written = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()}
    assert written == {
        ".lock",
        "MODEL_CARD.md",
        "checkpoints/best.safetensors",
        "checkpoints/last.ckpt",
        "config.yaml",
        "confusion_matrix.png",
        "learning_curves.png",
        "metrics.csv",
        "model.safetensors",
        "predictions.csv",
        "provenance.json",
        "result.json",
    }


def test_train_result_has_status_counts_seconds_and_memory(run: Path) -> None:
    result = result_of(run)
    assert result["status"] == "completed"
    assert result["parameters"] == {"trained": 2_236_682, "total": 2_236_682}
    phases = {"data", "model_a", "strategy", "activations", "fit", "test", "record"}
    assert set(result["seconds"]) == phases
    assert result["peak_memory_mb"]["process"] > 100
    assert result["epochs"] == 2
    assert result["best_epoch"] in (1, 2)


def test_train_provenance_names_versions_seed_and_fingerprints(run: Path) -> None:
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["packages"]["torch"] == torch.__version__.split("+")[0]
    assert provenance["seed"] == 0
    assert len(provenance["dataset_fingerprint"]) == 64
    assert provenance["host"]["cpus"] >= 1


def test_train_scores_agree_with_scikit_learn_on_the_written_predictions(run: Path) -> None:
    predictions = pd.read_csv(run / "predictions.csv")
    for split in ("val", "test"):
        rows = predictions[predictions["split"] == split]
        score = result_of(run)["metrics"][split]
        truth, said = rows["label"], rows["predicted"]
        assert score["accuracy"] == pytest.approx(accuracy_score(truth, said))
        assert score["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, said))
        macro_f1 = f1_score(truth, said, average="macro", zero_division=0)
        assert score["macro_f1"] == pytest.approx(macro_f1)


def test_train_selects_the_best_validation_epoch_and_returns_its_accuracy(tmp_path: Path) -> None:
    returned = run_tiny(tmp_path / "run", "trainer.epochs=4")
    history = pd.read_csv(tmp_path / "run" / "metrics.csv")
    result = result_of(tmp_path / "run")
    assert list(history["epoch"]) == [1, 2, 3, 4]
    best = history.sort_values(["val_accuracy", "val_loss"], ascending=[False, True])
    assert result["best_epoch"] == best["epoch"].iloc[0]
    assert returned == pytest.approx(history["val_accuracy"].max())
    assert result["metrics"]["val"]["accuracy"] == pytest.approx(returned)


def test_train_same_config_and_seed_gives_the_same_numbers(run: Path, tmp_path: Path) -> None:
    run_tiny(tmp_path / "again")
    assert result_of(tmp_path / "again")["metrics"] == result_of(run)["metrics"]
    weights, again = load_file(run / "model.safetensors"), tmp_path / "again" / "model.safetensors"
    assert all(weights[name].equal(value) for name, value in load_file(again).items())


def test_train_another_seed_gives_other_numbers(run: Path, tmp_path: Path) -> None:
    run_tiny(tmp_path / "other", "seed=1")
    assert result_of(tmp_path / "other")["metrics"] != result_of(run)["metrics"]


def test_train_without_the_test_images_fits_the_same(run: Path, tmp_path: Path) -> None:
    # Promise 7: other test images change the report, and nothing that led to it.
    same_data = pd.read_csv(run / "metrics.csv").drop(columns="seconds")
    plan = checked_plan(compose_config(TINY))
    task = plan.data.load()
    blank = Split(torch.zeros_like(task.test.inputs), task.test.labels, task.test.sample_ids)
    blanked = replace(task.with_splits(test=blank), fingerprint="blank")

    class Blanked:
        gives = plan.data.gives

        def faults(self):
            return []

        def load(self) -> Task:
            return blanked

    execute(replace(plan, data=Blanked()), Run.start(tmp_path / "blank"))
    history = pd.read_csv(tmp_path / "blank" / "metrics.csv").drop(columns="seconds")
    pd.testing.assert_frame_equal(history, same_data)
    assert result_of(tmp_path / "blank")["best_epoch"] == result_of(run)["best_epoch"]
    assert result_of(tmp_path / "blank")["metrics"]["val"] == result_of(run)["metrics"]["val"]
    assert result_of(tmp_path / "blank")["metrics"]["test"] != result_of(run)["metrics"]["test"]


def test_train_into_a_folder_with_a_run_refuses_and_changes_nothing(run: Path) -> None:
    before = (run / "result.json").read_bytes()
    with pytest.raises(TlxError, match=r"already holds a run \(completed\); choose another folder"):
        run_tiny(run)
    assert (run / "result.json").read_bytes() == before


class _LossThatDiverges(CrossEntropy):
    """Cross-entropy that becomes infinite after a number of batches, as a bad fit would."""

    def __init__(self, good_batches: int) -> None:
        super().__init__()
        self.left = good_batches

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        return super().forward(logits, labels) * (1.0 if self.left >= 0 else float("inf"))


def test_train_that_diverges_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    plan = checked_plan(compose_config(TINY))
    diverging = replace(plan.training, loss=_LossThatDiverges(good_batches=5))
    with pytest.raises(TrainingDivergedError) as caught:
        execute(replace(plan, training=diverging), Run.start(folder))
    assert "the loss became inf in epoch 2, step 2." in str(caught.value)
    assert "Try a lower optimizer.lr" in str(caught.value)
    result = result_of(folder)
    assert result["status"] == "failed"
    assert result["error"].startswith("TrainingDivergedError: the loss became inf")
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["epoch"] == 0
    assert all(torch.isfinite(v).all() for v in checkpoint["state_dict"].values())


def test_train_with_faults_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.train_per_class=9999"):
        run_tiny(tmp_path / "run", "data.train_per_class=9999")
    assert not (tmp_path / "run").exists()


def test_train_stops_early_after_epochs_without_progress(tmp_path: Path) -> None:
    overrides = ("trainer.epochs=30", "trainer.early_stopping_patience=1", "optimizer.lr=1e-12")
    run_tiny(tmp_path / "run", *overrides)
    result = result_of(tmp_path / "run")
    assert result["epochs"] == 2


def test_train_killed_in_mid_epoch_and_resumed_ends_like_an_unbroken_run(tmp_path: Path) -> None:
    overrides = [*TINY, "trainer.epochs=4", "data.train_per_class=20"]
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    done = command("tlx.train", *overrides, f"hydra.run.dir={unbroken}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    killed = _start(tmp_path, *overrides, f"hydra.run.dir={broken}")
    _wait_for_rows(broken / "metrics.csv", 2, killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert result_of(broken)["status"] == "running"

    resumed = command("tlx.train", f"resume={broken}", cwd=tmp_path)

    assert resumed.returncode == 0, resumed.stderr
    assert result_of(broken)["status"] == "completed"
    assert result_of(broken)["resumed"] == 1
    assert result_of(broken)["metrics"] == result_of(unbroken)["metrics"]
    assert result_of(broken)["best_epoch"] == result_of(unbroken)["best_epoch"]
    histories = [pd.read_csv(f / "metrics.csv").drop(columns="seconds") for f in (broken, unbroken)]
    pd.testing.assert_frame_equal(*histories)
    again = command("tlx.train", f"resume={broken}", cwd=tmp_path)
    assert again.returncode == 1
    assert "is complete: there is nothing to resume" in again.stderr
    assert "Traceback" not in again.stderr


def test_train_command_runs_a_sweep_into_folders_of_their_own(tmp_path: Path) -> None:
    done = command("tlx.train", "-m", *TINY, "seed=0,1", "trainer.epochs=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = sorted((tmp_path / "outputs").rglob("result.json"))
    assert [path.parent.name for path in results] == ["0", "1"]
    assert [result_of(path.parent)["status"] for path in results] == ["completed"] * 2
    assert "Warning" not in done.stderr


def _start(cwd: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tlx.train", *arguments],
        cwd=cwd,
        env=environment_for_tlx(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_for_rows(path: Path, rows: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        if path.is_file() and len(path.read_text().splitlines()) > rows:
            return
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    raise AssertionError(f"{path} never got {rows} rows")
