from __future__ import annotations

import logging
from functools import partial

import pytest
import torch
from pytorch_lightning import Callback, Trainer

from tests.strategies.fits import (
    adam_training,
    changed,
    fit,
    random_task,
    small_backbone,
    state_of,
    training,
)
from tests.strategies.plain_loop import farthest, plain_loop, plain_recipe, whole_batches
from tlx.backbones import build_backbone
from tlx.data.batches import TaskDataModule
from tlx.data.splits import task_fingerprint
from tlx.data.task import Split, Task, splits_of
from tlx.optimization.optimizers import sgd
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.lp_ft import LpFt
from tlx.strategies.probes.solved_head import features_of, solve_head

CPU = torch.device("cpu")


class FirstHead(Callback):
    """Keeps the state that the first step starts from."""

    def __init__(self) -> None:
        self.state: dict[str, torch.Tensor] = {}

    def on_train_batch_start(self, trainer, module, batch, batch_index) -> None:
        self.state = self.state or state_of(module.backbone)


@pytest.mark.parametrize("probe", ["logistic", "ridge"])
def test_lp_ft_starts_from_model_a_and_the_solved_head(probe) -> None:
    backbone, watcher = small_backbone("resnet18"), FirstHead()
    before = state_of(backbone)
    task = random_task()
    train, val = (features_of(backbone, split, CPU) for split in (task.train, task.val))
    expected = solve_head(train, task.train.labels, val, task.val.labels, 3, probe).layer
    fit(TransferModule(LpFt(backbone, probe=probe), training()), watcher, epochs=1)
    assert {n for n in before if not before[n].equal(watcher.state[n])} == {"fc.weight", "fc.bias"}
    torch.testing.assert_close(watcher.state["fc.weight"], expected.weight.detach())
    assert {n for n, _ in backbone.network.named_parameters()} <= changed(before, backbone)


def test_lp_ft_trained_is_a_plain_loop_of_two_phases() -> None:
    backbone, reference = small_backbone("convnext_tiny"), small_backbone("convnext_tiny")
    for part in backbone.network.modules():
        if type(part).__name__ == "StochasticDepth":
            part.p = 0.0
    names = {name for name, _ in reference.network.named_parameters()}
    head = {name for name in names if name.startswith(f"{reference.head_path}.")}
    expected = plain_loop(reference, lambda epoch: head if epoch < 2 else names)
    module = TransferModule(LpFt(backbone, probe="trained", probe_epochs=2), plain_recipe())
    assert farthest(whole_batches(module), expected) < 1e-5


def test_lp_ft_trained_leaves_model_a_bit_identical_until_all_weights_train() -> None:
    backbone = small_backbone("mobilenet_v3_small")
    before = state_of(backbone)
    fit(TransferModule(LpFt(backbone, probe="trained", probe_epochs=2), training()), epochs=2)
    assert {n.rpartition(".")[0] for n in changed(before, backbone)} == {backbone.head_path}


def test_lp_ft_resumed_does_not_solve_again(tmp_path, caplog) -> None:
    def trainer(epochs: int) -> Trainer:
        return Trainer(
            accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        )  # fmt: skip

    def data() -> TaskDataModule:
        return TaskDataModule(random_task(), batch_size=4, seed=0)

    whole = TransferModule(LpFt(small_backbone("mobilenet_v3_small")), adam_training())
    trainer(3).fit(whole, data())
    first = trainer(1)
    first.fit(TransferModule(LpFt(small_backbone("mobilenet_v3_small")), adam_training()), data())
    first.save_checkpoint(tmp_path / "one.ckpt")
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="tlx"):
        resumed = TransferModule(LpFt(small_backbone("mobilenet_v3_small")), adam_training())
        trainer(3).fit(resumed, data(), ckpt_path=str(tmp_path / "one.ckpt"))
    assert "linear probe" not in caplog.text
    assert farthest(state_of(whole.backbone), state_of(resumed.backbone)) == 0


def test_lp_ft_drops_auxiliary_heads_and_describes_its_phases() -> None:
    backbone = small_backbone("googlenet")
    module = TransferModule(LpFt(backbone), training())
    assert not backbone.has_auxiliary
    assert module.policy.describe() == "solves for the head (logistic), then trains all weights"
    trained = TransferModule(LpFt(backbone, probe="trained", probe_epochs=3), training())
    assert trained.policy.describe() == "trains the head for 3 epochs, then all weights"
    assert trained.frozen_prefix() is None
    assert trained.frozen_prefix(2) == backbone.stage_names[-1]


def test_lp_ft_faults_of_no_weights_and_of_a_head_that_is_no_linear_map() -> None:
    without, head = LpFt.faults((), backbone_name="squeezenet1_1", has_weights=False)
    assert without.remedy == "Give backbone.weights, or use strategy=structure_reuse."
    assert (head.key, head.remedy) == ("strategy.probe", "Use strategy.probe=trained.")
    assert LpFt.faults((), backbone_name="squeezenet1_1", probe="trained") == []


@pytest.mark.parametrize("probe", ["logistic", "ridge"])
@pytest.mark.parametrize(
    ("classes", "missing", "scale"), [(2, None, 1.0), (3, 1, 1.0), (3, None, 1e4), (3, None, 1e-4)]
)
def test_lp_ft_starts_well_from_two_classes_a_missing_one_and_badly_scaled_features(
    classes: int, missing: int | None, scale: float, probe: str
) -> None:
    backbone = build_backbone("mlp_6_relu", num_classes=classes, weights=None, image_size=4)
    with torch.no_grad():
        backbone.network.hidden1.weight *= scale
        backbone.network.hidden1.bias *= scale
    task, watcher = blobs_task(classes, missing), FirstHead()
    recipe = training(partial(sgd, lr=0.0))
    module = TransferModule(LpFt(backbone, probe=probe), recipe)
    fit(module, watcher, epochs=1, batch_size=16, task=task)
    backbone.network.load_state_dict(watcher.state)
    logits = backbone(task.train.inputs).detach()
    assert bool(logits.isfinite().all())
    # The blobs are far apart: what one linear map of the features tells apart is right.
    assert float((logits.argmax(dim=1) == task.train.labels).float().mean()) > 0.9
    assert float(torch.nn.functional.cross_entropy(logits, task.train.labels)) < 1.0
    if missing is not None:
        assert missing not in logits.argmax(dim=1)


def blobs_task(classes: int, missing: int | None) -> Task:
    """Return rows of four features around a centre of each class; one class may have no row."""
    generator = torch.Generator().manual_seed(0)
    centres = 6 * torch.randn(classes, 4, generator=generator)
    present = torch.tensor([label for label in range(classes) if label != missing])

    def split(first: int, count: int) -> Split:
        labels = present[torch.arange(count) % len(present)]
        rows = centres[labels] + torch.randn(count, 4, generator=generator)
        return Split(rows, labels, torch.arange(first, first + count))

    parts = splits_of(split(0, 48), split(100, 24), split(200, 24))
    return Task("blobs", tuple("abc"[:classes]), parts, task_fingerprint(parts))
