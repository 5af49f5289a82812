"""Gradual unfreezing across an interruption, and under schedules that know the number of steps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback

from tests.strategies.adapter_models import fitted
from tests.strategies.fits import fit, random_task, small_backbone, training
from tlx.optimization.optimizers import adamw
from tlx.optimization.schedules import one_cycle, warmup_cosine
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.gradual import Gradual

WORDS = (
    "backbone=mobilenet_v3_small", "backbone.weights=null", "backbone.image_size=32",
    "strategy=gradual", "strategy.stages=3", "data.train_per_class=1", "data.val_per_class=1",
    "trainer.batch_size=5", "trainer.epochs=4", "trainer.threads=1", "trainer.device=cpu",
    "optimizer.lr=0.01",
)  # fmt: skip
STEPS = 4 * 2  # of an epoch of 8 images by 4, in 4 epochs


class LearningRates(Callback):
    """Notes each group's learning rate, and which parameters have a state, at every step."""

    def __init__(self) -> None:
        self.rates: list[list[float]] = []
        self.with_state: list[int] = []

    def on_train_batch_start(self, trainer, module, batch, batch_index) -> None:
        (optimizer,) = trainer.optimizers
        self.rates.append([group["lr"] for group in optimizer.param_groups])

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_index) -> None:
        (optimizer,) = trainer.optimizers
        self.with_state.append(len(optimizer.state))


@pytest.mark.parametrize(("scheduler", "epoch"), [("one_cycle", 3), ("warmup_cosine", 1)])
def test_gradual_interrupted_behind_an_unfreezing_goes_on_to_the_same_weights(
    scheduler: str, epoch: int, tmp_path: Path
) -> None:
    words = [*WORDS, f"scheduler={scheduler}"]
    whole = fitted(tmp_path / "whole", *words)
    again = fitted(tmp_path / "broken", *words, stop_in_epoch=epoch)
    assert whole.keys() == again.keys()
    assert [name for name, value in whole.items() if not value.equal(again[name])] == []


@pytest.mark.parametrize("schedule", [one_cycle, warmup_cosine])
def test_gradual_keeps_one_schedule_for_all_stages_through_every_unfreezing(schedule: Any) -> None:
    recipe = replace(training(partial(adamw, lr=0.01)), schedule=schedule)
    watcher = LearningRates()
    module = TransferModule(Gradual(small_backbone("resnet18")), recipe)
    fit(module, watcher, epochs=4, batch_size=4, task=random_task(8))
    plain = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=0.01)
    reference, expected = schedule(plain, STEPS), []
    for _ in range(STEPS):
        expected.append(plain.param_groups[0]["lr"])
        plain.step()
        reference.step()
    assert [len(set(rates)) for rates in watcher.rates] == [1] * STEPS
    assert [rates[0] for rates in watcher.rates] == pytest.approx(expected, rel=1e-12)
    # A stage has no moments of steps in which it was frozen.
    assert len(set(watcher.with_state)) == 4
    assert watcher.with_state == sorted(watcher.with_state)
