"""Regularised runs: with and without stored activations, mixed images, and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.regularization.runs import CHOICES, fitted, history, run
from tlx.backbones import build_backbone
from tlx.plan.plan import StrategyChoice
from tlx.strategies.base import TransferModule
from tlx.train import resume
from tlx.training.best_weights import BestWeights

PARTIAL = ("strategy=partial", "strategy.train_stages=1", "optimizer.lr=1e-3")
WHOLE = ("strategy=structure_reuse",)
WORDS = {"l2_sp": ("regularizer.alpha=1",), "fisher_l2_sp": ("regularizer.samples=8",)}


@pytest.mark.parametrize("choice", CHOICES)
def test_run_on_stored_activations_has_the_losses_of_one_without(
    choice: str, tmp_path: Path
) -> None:
    words = (f"regularizer={choice}", *PARTIAL, *WORDS.get(choice, ()))
    stored, record = fitted(tmp_path / "on", *words, "activations=on")
    computed, unused = fitted(tmp_path / "off", *words, "activations=off")
    assert (record["cut"], unused["used"]) == ("stage4", False)
    for column in ("train_loss", "train_penalty", "val_loss"):
        assert stored[column].to_list() == pytest.approx(
            computed[column].to_list(), rel=1e-5, abs=1e-5
        )
    assert (stored["train_penalty"] > 0).all()


def test_data_pass_over_activations_in_bfloat16_computes_in_single_precision(
    tmp_path: Path,
) -> None:
    words = ("regularizer=co_tuning", *PARTIAL, "trainer.precision=bf16-mixed", "trainer.epochs=1")
    mixed, record = fitted(tmp_path / "mixed", *words, "activations=on")
    assert {entry["dtype"] for entry in record["entries"]} >= {"bfloat16"}
    whole, _ = fitted(tmp_path / "whole", *words, "trainer.precision=32-true")
    assert mixed["train_penalty"][0] == pytest.approx(whole["train_penalty"][0], rel=0.05)


@pytest.mark.parametrize("choice", CHOICES)
def test_run_with_mixed_images_trains(choice: str, tmp_path: Path) -> None:
    mixing = ("augmentation=light", "augmentation.mixup_alpha=0.4", "trainer.epochs=1")
    words = (f"regularizer={choice}", *WHOLE, *mixing, *WORDS.get(choice, ()))
    (penalty,) = fitted(tmp_path / "run", *words)[0]["train_penalty"]
    assert 0 < penalty < 100


def test_run_broken_off_and_resumed_ends_as_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("regularizer=co_tuning", *PARTIAL, "trainer.epochs=3")
    run(tmp_path / "whole", *words)
    original = BestWeights.on_train_epoch_end

    def killed(self: BestWeights, trainer: Any, module: Any) -> None:
        original(self, trainer, module)
        if trainer.current_epoch == 1:
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(BestWeights, "on_train_epoch_end", killed)
        with pytest.raises(RuntimeError, match="killed"):
            run(tmp_path / "broken", *words)
    resume(tmp_path / "broken")
    columns = ["epoch", "train_loss", "train_penalty", "val_loss"]
    whole, broken = (history(tmp_path / name)[columns] for name in ("whole", "broken"))
    pd.testing.assert_frame_equal(whole, broken, check_exact=True)
    a, b = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken"))
    assert all(a[name].equal(b[name]) for name in a)
    plain = build_backbone("shufflenet_v2_x1_0", num_classes=10).network
    assert set(a) == set(plain.state_dict())


def test_run_without_regularizer_records_no_penalty_and_keeps_no_source_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TransferModule] = []
    original = StrategyChoice.apply

    def kept(self: StrategyChoice, *given: Any) -> TransferModule:
        made.append(original(self, *given))
        return made[-1]

    monkeypatch.setattr(StrategyChoice, "apply", kept)
    table, _ = fitted(tmp_path / "run", *PARTIAL, "trainer.epochs=1")
    assert "train_penalty" not in table
    assert len(made[-1].terms) == 0
    assert made[-1].backbone.source_head is None
    checkpoint = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)
    assert all(name.startswith("backbone.") for name in checkpoint["state_dict"])
