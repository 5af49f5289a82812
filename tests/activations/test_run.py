"""Whole runs with the store and without."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.tiny import TINY, result_of, run_tiny
from tlx.config.composition import compose_config
from tlx.errors import ConfigError
from tlx.train import resume, train

FORK = multiprocessing.get_context("fork")

# Adam's first steps turn the rounding of a gradient near zero into a step of full length.
WORDS = [word for word in TINY if not word.startswith("strategy")]
WORDS += ["strategy=partial", "optimizer=sgd", "optimizer.lr=0.02"]


def run(folder: Path, *words: str) -> dict[str, object]:
    train(compose_config([*WORDS, f"activations.folder={folder.parent / 'store'}", *words]), folder)
    return result_of(folder)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("without") / "run"
    result = run(folder, "activations=off")
    assert result["activations"] == {"used": False, "reason": "activations.mode=off"}
    return folder


def assert_same_run(folder: Path, other: Path) -> None:
    histories = [pd.read_csv(f / "metrics.csv").drop(columns="seconds") for f in (folder, other)]
    pd.testing.assert_frame_equal(*histories, rtol=1e-5, atol=1e-5)
    for split in ("val", "test"):
        ours, theirs = (result_of(f)["metrics"][split] for f in (folder, other))
        assert ours["accuracy"] == theirs["accuracy"]
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    predictions = [pd.read_csv(f / "predictions.csv") for f in (folder, other)]
    pd.testing.assert_frame_equal(*predictions, rtol=1e-4, atol=1e-5)
    for name in ("model.safetensors", "checkpoints/best.safetensors"):
        ours, theirs = (load_file(f / name) for f in (folder, other))
        assert list(ours) == list(theirs)
        for key, value in ours.items():
            torch.testing.assert_close(value, theirs[key], rtol=1e-5, atol=1e-5)


def test_run_with_the_store_writes_what_a_run_without_writes(without: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "first")
    used = result["activations"]
    assert used["used"] is True
    assert used["cut"] == "features.16"
    assert [(e["split"], e["images"], e["computed"]) for e in used["entries"]] == [
        ("train", 50, True),
        ("val", 30, True),
        ("test", 179, True),
    ]
    assert_same_run(tmp_path / "first", without)
    again = run(tmp_path / "second", "activations=on", "optimizer=adamw")
    assert not any(entry["computed"] for entry in again["activations"]["entries"])
    assert {p.name for p in (tmp_path / "first").iterdir()} == {p.name for p in without.iterdir()}


def test_run_that_does_not_fit_computes_as_without(without: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "run", "activations.max_gb=0.0001")
    assert result["activations"]["used"] is False
    assert "raise activations.max_gb" in result["activations"]["reason"]
    assert_same_run(tmp_path / "run", without)


def test_run_with_half_precision_learns_from_rounded_activations(tmp_path: Path) -> None:
    result = run(tmp_path / "run", "activations.half_precision=true", "trainer.epochs=1")
    entry = result["activations"]["entries"][0]
    assert entry["dtype"] == "float32"
    assert entry["bytes"] == 2 * 50 * torch.Size(entry["shape"]).numel()


@pytest.mark.parametrize("words", [(), ("activations.mode=on",)])
def test_run_that_insists_where_every_stage_trains_is_a_fault(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        run_tiny(tmp_path / "run", *(words or ("activations=on",)))
    assert str(caught.value) == (
        "activations.mode=on: strategy=structure_reuse trains the first stage. "
        "No activations stay the same: use activations=auto, or off."
    )
    assert not (tmp_path / "run").exists()


def test_run_killed_and_resumed_with_the_store_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    words = ("trainer.epochs=5", "data.train_per_class=20")
    run(tmp_path / "unbroken", *words)
    broken = FORK.Process(target=run, args=(tmp_path / "broken", *words))
    broken.start()
    history = tmp_path / "broken/metrics.csv"
    while not history.is_file() or len(history.read_text().splitlines()) < 3:
        assert broken.is_alive(), "the run ended before it could be killed"
        time.sleep(0.005)
    broken.kill()
    broken.join(60)
    assert result_of(tmp_path / "broken")["status"] == "running"
    resumed = FORK.Process(target=resume, args=(tmp_path / "broken",))
    resumed.start()
    resumed.join(60)
    assert resumed.exitcode == 0
    result = result_of(tmp_path / "broken")
    assert result["resumed"] == 1
    assert not any(entry["computed"] for entry in result["activations"]["entries"])
    assert result["metrics"] == result_of(tmp_path / "unbroken")["metrics"]
    histories = [
        pd.read_csv(tmp_path / f / "metrics.csv").drop(columns="seconds")
        for f in ("broken", "unbroken")
    ]
    pd.testing.assert_frame_equal(*histories)
