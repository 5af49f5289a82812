"""Whole runs with augmentation: recorded, resumed exactly, and with the activation store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.strategies.fits import small_backbone, training
from tests.tiny import TINY, result_of
from tlx.augmentation.choices import light
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.config.stored.record import load_config
from tlx.errors import ConfigError
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse
from tlx.train import resume, train
from tlx.training.best_weights import BestWeights

STRONG = ("augmentation=strong", "augmentation.mixup_alpha=0.4", "augmentation.cutmix_alpha=1.0")
BASE = (
    "backbone=shufflenet_v2_x0_5",
    *(word for word in TINY if not word.startswith(("strategy", "backbone=", "trainer.epochs"))),
)
WHOLE = ("strategy=structure_reuse", "strategy.init=scratch")
FROZEN = ("strategy=feature_extraction",)
PARTIAL = ("strategy=partial", "strategy.train_stages=1")


def run(folder: Path, *words: str) -> None:
    """Run the main job in this process."""
    train(compose_config([*BASE, *words]), folder)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_run_with_augmentation_and_mixing_trains_and_records_it(tmp_path: Path) -> None:
    run(tmp_path / "run", *WHOLE, *STRONG, "trainer.epochs=1")
    assert load_config(tmp_path / "run")["augmentation"]["mixup_alpha"] == 0.4
    result = result_of(tmp_path / "run")
    assert result["activations"] == {"used": False, "reason": "the first stage trains"}
    assert result["data"]["images"]["train"] == dict.fromkeys("0123456789", 5)
    card = (tmp_path / "run/MODEL_CARD.md").read_text()
    assert "augmentation" in card
    assert "strong" in card


def test_step_of_a_strategy_sees_augmented_images_and_no_activations() -> None:
    recipe = replace(training(), augmentation=light(mixup_alpha=1.0), seed=4)
    module = TransferModule(StructureReuse(small_backbone("squeezenet1_1")), recipe)
    images = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    seen, shares = module.augmented((images, labels), 2)
    expected = recipe.augmentation.batch(images, labels, classes=3, seed=4, epoch=0, step=2)
    assert seen.equal(expected[0])
    assert shares.equal(expected[1])
    assert not seen.equal(images)
    module.take_cached_inputs(torch.nn.Identity())
    assert module.augmented((images, labels), 2)[0] is images


def test_run_killed_and_resumed_sees_the_same_augmented_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*WHOLE, *STRONG, "trainer.epochs=3", "data.train_per_class=3")
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
    columns = ["epoch", "train_loss", "val_loss"]
    whole, broken = (
        pd.read_csv(tmp_path / name / "metrics.csv")[columns] for name in ("whole", "broken")
    )
    pd.testing.assert_frame_equal(whole, broken, check_exact=True)
    a, b = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert all(a[name].equal(b[name]) for name in a)


def test_frozen_prefix_with_augmentation_is_not_stored_and_says_why(tmp_path: Path) -> None:
    run(tmp_path / "run", *FROZEN, "augmentation=standard", "trainer.epochs=1")
    assert result_of(tmp_path / "run")["activations"] == {
        "used": False,
        "reason": "augmentation=standard changes the training images in every epoch",
    }


def test_frozen_prefix_with_views_is_stored_and_gives_what_it_gives_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*FROZEN, "augmentation=strong", "augmentation.views=2", "trainer.epochs=3")
    run(tmp_path / "stored", *words, "activations=on")
    run(tmp_path / "computed", *words, "activations=off")
    record = result_of(tmp_path / "stored")["activations"]
    assert (record["used"], record["views"]) == (True, 2)
    assert record["entries"][0]["images"] == 2 * 50
    assert not result_of(tmp_path / "computed")["activations"]["used"]
    for name in ("stored", "computed"):
        assert sum(result_of(tmp_path / name)["data"]["images"]["train"].values()) == 50
    stored, computed = (
        pd.read_csv(tmp_path / name / "metrics.csv")["train_loss"]
        for name in ("stored", "computed")
    )
    assert stored.tolist() == pytest.approx(computed.tolist(), rel=1e-4)


def test_views_rotate_over_the_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[int, set[bytes]] = {}
    original = TransferModule.training_step

    def step(self: TransferModule, batch: Any, batch_index: int) -> torch.Tensor:
        here = seen.setdefault(self.current_epoch, set())
        here.update(image.numpy().tobytes() for image in batch[0])
        return original(self, batch, batch_index)

    monkeypatch.setattr(TransferModule, "training_step", step)
    words = (*WHOLE, "augmentation=strong", "augmentation.views=2", "trainer.epochs=3")
    run(tmp_path / "run", *words)
    assert seen[0] == seen[2]
    assert len(seen[0] & seen[1]) < len(seen[0]) / 4
    assert len(seen[0]) > 40


def faults(*words: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        checked_plan(compose_config([*BASE, *words]))
    return [str(fault) for fault in error.value.faults]


def test_activations_on_with_augmentation_in_every_step_is_a_fault() -> None:
    assert faults(*PARTIAL, "augmentation=light", "activations=on") == [
        "activations.mode=on: augmentation=light changes the training images in every epoch. "
        "Use activations=auto, or fix views: augmentation.views=4, without mixing."
    ]


def test_activations_on_with_views_and_mixing_is_the_fault_of_the_views() -> None:
    found = faults(
        *PARTIAL, "augmentation=light", "activations=on", "augmentation.views=4",
        "augmentation.mixup_alpha=0.2",
    )  # fmt: skip
    assert found[0].startswith("augmentation.views=4: views are fixed, mixup and cutmix draw anew")


def test_a_probe_with_augmentation_is_a_fault() -> None:
    words = ("strategy=probe_ridge", "augmentation=light")
    assert faults(*words) == [
        "augmentation=light: strategy=probe_ridge solves for its head once, on the images as they "
        "are. Use augmentation=none."
    ]


def test_single_images_with_batch_norm_in_training_are_a_fault() -> None:
    assert faults(*WHOLE, "trainer.batch_size=1") == [
        "trainer.batch_size=1: a batch of one image has no statistics for batch norm to train on "
        "(conv1.1). Use 2 or more, or a strategy that freezes these stages."
    ]
    checked_plan(compose_config([*BASE, *FROZEN, "trainer.batch_size=1"]))


def test_options_out_of_bounds_are_faults() -> None:
    assert faults("augmentation=classical", "augmentation.shear_range=90") == [
        "augmentation.shear_range=90: must be less than 90. It takes a number at least 0 and "
        "below 90."
    ]
    (fault,) = faults("augmentation=light", "augmentation.views=0")
    assert fault.startswith("augmentation.views=0: must be greater than or equal to 1")


def test_a_configuration_from_before_augmentation_has_none(tmp_path: Path) -> None:
    cfg = compose_config([*BASE])
    del cfg["augmentation"]
    plan = checked_plan(cfg)
    assert plan.training.augmentation.name == "none"
    assert plan.recipe["augmentation"] == {"name": "none"}
    assert json.dumps(plan.recipe["augmentation"])
