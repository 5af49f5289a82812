from __future__ import annotations

from functools import partial

import pytest
import torch
from pytorch_lightning import Callback, seed_everything

from tests.strategies.fits import (
    adam_training,
    changed,
    fit,
    random_task,
    small_backbone,
    state_of,
    training,
)
from tlx.optimization.optimizers import sgd
from tlx.strategies.base import TransferModule
from tlx.strategies.divergence import TrainingDivergedError
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction
from tlx.strategies.fine_tuning.partial import Partial
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse
from tlx.strategies.policy import Policy


class _ModeWatcher(Callback):
    """Notes the modes of all modules at every training step."""

    def __init__(self) -> None:
        self.seen: list[dict[str, bool]] = []

    def on_train_batch_start(self, trainer, module, batch, batch_index) -> None:
        network = module.backbone.network
        self.seen.append({name: m.training for name, m in network.named_modules()})


def _watched_fit(module: TransferModule) -> list[dict[str, bool]]:
    watcher = _ModeWatcher()
    fit(module, watcher)
    return watcher.seen


def test_frozen_modules_stay_in_eval_through_the_whole_fit() -> None:
    seen = _watched_fit(
        TransferModule(Partial(small_backbone("mobilenet_v2"), train_stages=1), training())
    )
    assert len(seen) == 4  # two epochs of two steps, with a validation in between
    for modes in seen:
        assert not modes["features.0.1"]
        assert not modes["features.17.conv.1.1"]
        assert modes["features.18.1"]
        assert modes["classifier.0"]  # the dropout before the head belongs to the last stage


def test_train_of_a_frozen_module_does_not_wake_it() -> None:
    module = TransferModule(FeatureExtraction(small_backbone("resnet18")), training())
    module.eval()
    module.train()
    network = module.backbone.network
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert network.training
    assert network.fc.training


def test_batch_norm_without_eval_would_move_which_is_why_frozen_means_eval() -> None:
    backbone = small_backbone("resnet18")
    before = state_of(backbone)
    module = TransferModule(FeatureExtraction(backbone), training())
    module._frozen = []  # what `requires_grad=False` alone amounts to
    module.freeze_for = lambda epoch: None  # type: ignore[method-assign]
    module.train()
    fit(module, epochs=1)
    assert "layer1.0.bn1.running_mean" in changed(before, backbone)


def test_stale_gradients_do_not_move_what_is_frozen_later() -> None:
    class TwoPhases(Policy):
        def trained_stages(self, epoch: int) -> frozenset[str]:
            return frozenset(self.backbone.stage_names) if epoch == 0 else frozenset()

    recipe = training(partial(sgd, lr=0.01, weight_decay=0.1, momentum=0.9))
    backbone = small_backbone("resnet18")
    module = TransferModule(TwoPhases(backbone), recipe)
    snapshots: list[dict[str, torch.Tensor]] = []

    class Snapshot(Callback):
        def on_train_epoch_end(self, trainer, pl_module) -> None:
            snapshots.append(state_of(backbone))

    fit(module, Snapshot(), epochs=3)
    moved = {n for n in snapshots[0] if not snapshots[0][n].equal(snapshots[2][n])}
    assert moved == {"fc.weight", "fc.bias"}


def test_frozen_prefix_builds_no_graph() -> None:
    module = TransferModule(Partial(small_backbone("resnet18"), train_stages=1), training())
    features: list[torch.Tensor] = []
    module.backbone.network.layer3.register_forward_hook(lambda _, __, out: features.append(out))
    module(random_task().train.inputs)
    assert features[0].grad_fn is None


@pytest.mark.parametrize("batch_size", [4, 5])
def test_same_seed_gives_the_same_weights(batch_size: int) -> None:
    states = []
    for _ in range(2):
        backbone = small_backbone("mobilenet_v3_small")
        fit(TransferModule(StructureReuse(backbone), adam_training()), batch_size=batch_size)
        states.append(state_of(backbone))
    assert all(states[0][name].equal(states[1][name]) for name in states[0])


def test_dropout_follows_from_seed_and_epoch_whatever_ran_before() -> None:
    states = []
    for disturbance in (0, 17):
        backbone = small_backbone("squeezenet1_1")
        module = TransferModule(Partial(backbone, train_stages=1), adam_training())
        seed_everything(disturbance, verbose=False)
        fit(module)
        states.append(state_of(backbone))
    assert all(states[0][name].equal(states[1][name]) for name in states[0])


def test_infinite_loss_stops_and_says_where_and_what_to_try() -> None:
    module = TransferModule(
        StructureReuse(small_backbone("resnet18")), training(partial(sgd, lr=1e30))
    )
    with pytest.raises(TrainingDivergedError) as caught:
        fit(module, epochs=3)
    assert "the loss became nan in epoch 1" in str(caught.value)
    assert "Try a lower optimizer.lr" in str(caught.value)


def test_validation_scores_are_those_of_plain_torch() -> None:
    module = TransferModule(FeatureExtraction(small_backbone("resnet18")), training())
    trainer = fit(module, epochs=1)
    val = random_task().val
    module.eval()
    with torch.no_grad():
        logits = module.backbone(module.backbone.preprocess(val.inputs))
    expected = torch.nn.functional.cross_entropy(logits, val.labels)
    assert trainer.callback_metrics["val_loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    accuracy = (logits.argmax(1) == val.labels).float().mean()
    assert trainer.callback_metrics["val_accuracy"].item() == pytest.approx(accuracy.item())
