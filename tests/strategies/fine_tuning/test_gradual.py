from __future__ import annotations

from functools import partial

import pytest
import torch
from pytorch_lightning import Callback

from tests.strategies.fits import changed, fit, small_backbone, state_of, training
from tests.strategies.plain_loop import farthest, plain_loop, plain_recipe, whole_batches
from tlx.errors import Fault
from tlx.optimization.optimizers import sgd
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.gradual import Gradual

STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4")


class Snapshots(Callback):
    """Keeps the state after each epoch."""

    def __init__(self) -> None:
        self.states: list[dict[str, torch.Tensor]] = []

    def on_train_epoch_end(self, trainer, module) -> None:
        self.states.append(state_of(module.backbone))


def test_gradual_unfreezes_from_the_head_down_every_k_epochs() -> None:
    module = TransferModule(
        Gradual(small_backbone("resnet18"), every_epochs=2, stages=2), training()
    )
    trained = [sorted(module.policy.trained_stages(epoch)) for epoch in range(7)]
    both = ["layer3", "layer4"]
    assert trained == [[], [], ["layer4"], ["layer4"], both, both, both]
    assert module.frozen_prefix() == "layer2"
    assert TransferModule(Gradual(small_backbone("resnet18")), training()).frozen_prefix() is None


def test_gradual_moves_nothing_before_its_turn() -> None:
    backbone, watcher = small_backbone("resnet18"), Snapshots()
    before = state_of(backbone)
    recipe = training(partial(sgd, lr=0.01, weight_decay=0.1, momentum=0.9))
    fit(TransferModule(Gradual(backbone), recipe), watcher, epochs=3)
    moved = [
        {n.split(".")[0] for n in before if not before[n].equal(state[n])}
        for state in watcher.states
    ]
    assert moved == [{"fc"}, {"fc", "layer4"}, {"fc", "layer4", "layer3"}]
    assert changed(before, backbone)


def test_gradual_is_a_plain_loop_that_lets_go_of_gradients() -> None:
    backbone = small_backbone("convnext_tiny")
    for part in backbone.network.modules():
        if type(part).__name__ == "StochasticDepth":
            part.p = 0.0
    reference = small_backbone("convnext_tiny")
    head = {f"{reference.head_path}.weight", f"{reference.head_path}.bias"}
    stages = [set(stage.parameter_names) for stage in reversed(reference.stages)]
    expected = plain_loop(reference, lambda epoch: head.union(*stages[:epoch]))
    assert (
        farthest(whole_batches(TransferModule(Gradual(backbone), plain_recipe())), expected) < 1e-5
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "layer4 to conv1, one stage every epoch; 0 stages frozen"),
        ({"every_epochs": 3, "stages": 1}, "layer4, one stage every 3 epochs; 4 stages frozen"),
    ],
)
def test_gradual_describes_the_way_down(options: dict[str, int], words: str) -> None:
    module = TransferModule(Gradual(small_backbone("resnet18"), **options), training())
    assert module.policy.describe() == f"trains the head, then unfreezes {words}"


def test_gradual_faults_of_more_stages_than_there_are() -> None:
    assert Gradual.faults(STAGES, stages=5) == Gradual.faults(STAGES) == []
    assert Gradual.faults(STAGES, stages=6) == [
        Fault(
            "strategy.stages",
            6,
            "the backbone has 5 stages",
            "Choose 1 to 5, or null for all: conv1, layer1, layer2, layer3, layer4.",
        )
    ]
