"""Whole regularised runs: with and without stored activations, mixed images, and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.regularization.runs import CHOICES, run
from tests.tiny import result_of
from tlx.regularization.starting_point import StartingPointPenalty
from tlx.train import resume
from tlx.training.best_weights import BestWeights

PARTIAL = ("strategy=partial", "strategy.train_stages=1", "optimizer.lr=1e-3")
WHOLE = ("strategy=structure_reuse",)
WORDS = {
    "l2_sp": ("regularizer.alpha=1",),
    "fisher_l2_sp": ("regularizer.samples=8", "regularizer.alpha=1"),
    "feature_distillation": (),
    "relation_distillation": (),
    "co_tuning": (),
}


def history(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "metrics.csv")


@pytest.mark.parametrize("choice", CHOICES)
def test_run_on_stored_activations_has_the_losses_of_one_without(
    choice: str, tmp_path: Path
) -> None:
    words = (f"regularizer={choice}", *PARTIAL, *WORDS[choice])
    for store in ("on", "off"):
        run(tmp_path / store, *words, f"activations={store}")
    stored, computed = history(tmp_path / "on"), history(tmp_path / "off")
    assert result_of(tmp_path / "on")["activations"]["cut"] == "stage4"
    assert not result_of(tmp_path / "off")["activations"]["used"]
    for column in ("train_loss", "train_penalty", "val_loss"):
        assert stored[column].to_list() == pytest.approx(
            computed[column].to_list(), rel=1e-5, abs=1e-5
        )
    assert (stored["train_penalty"] > 0).all()
    assert set(load_file(tmp_path / "on/model.safetensors")) == names_of_a_run_without()


def names_of_a_run_without() -> set[str]:
    from tlx.backbones import build_backbone

    return set(build_backbone("shufflenet_v2_x1_0", num_classes=10).network.state_dict())


@pytest.mark.parametrize("choice", CHOICES)
def test_run_with_mixed_images_trains(choice: str, tmp_path: Path) -> None:
    mixing = ("augmentation=light", "augmentation.mixup_alpha=0.4", "trainer.epochs=1")
    run(tmp_path / "run", f"regularizer={choice}", *WHOLE, *mixing, *WORDS[choice])
    (penalty,) = history(tmp_path / "run")["train_penalty"]
    assert 0 < penalty < 100


@pytest.mark.parametrize("choice", ["l2_sp", "co_tuning"])
def test_run_broken_off_and_resumed_starts_from_model_a_again(
    choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (f"regularizer={choice}", *PARTIAL, *WORDS[choice], "trainer.epochs=3")
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
    starts: list[tuple[torch.Tensor, ...]] = []
    bind = StartingPointPenalty.__init__

    def seen(self: StartingPointPenalty, *given: Any, **named: Any) -> None:
        bind(self, *given, **named)
        starts.append(self._start)

    monkeypatch.setattr(StartingPointPenalty, "__init__", seen)
    resume(tmp_path / "broken")
    columns = ["epoch", "train_loss", "train_penalty", "val_loss"]
    whole, broken = (history(tmp_path / name)[columns] for name in ("whole", "broken"))
    pd.testing.assert_frame_equal(whole, broken, check_exact=True)
    a, b = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken"))
    assert all(a[name].equal(b[name]) for name in a)
    if choice == "l2_sp":
        from tlx.backbones import build_backbone

        shipped = build_backbone(
            "shufflenet_v2_x1_0", num_classes=10, weights="glyphs_shufflenet_v2_x1_0"
        )
        (start,) = starts
        assert start[0].equal(dict(shipped.network.named_parameters())["conv5.0.weight"])


def test_run_without_regularizer_records_no_penalty_and_keeps_no_source_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlx.strategies.partial import Partial

    made: list[Partial] = []
    original = Partial.__init__

    def kept(self: Partial, *given: Any, **named: Any) -> None:
        original(self, *given, **named)
        made.append(self)

    monkeypatch.setattr(Partial, "__init__", kept)
    run(tmp_path / "run", *PARTIAL, "trainer.epochs=1")
    assert "train_penalty" not in history(tmp_path / "run")
    assert all(module.penalty is None for module in made)
    assert all(module.backbone.source_head is None for module in made)
    checkpoint = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)
    assert all(name.startswith("backbone.") for name in checkpoint["state_dict"])
