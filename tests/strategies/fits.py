"""A short real fit of a strategy over any backbone, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, Trainer, seed_everything

from tlx.backbones import Backbone, build_backbone
from tlx.data.batches import TaskDataModule
from tlx.data.splits import task_fingerprint
from tlx.data.task import Split, Task, splits_of
from tlx.optimization.losses import CrossEntropy
from tlx.optimization.optimizers import adamw, sgd
from tlx.optimization.schedules import constant
from tlx.strategies.base import Training, TransferModule

# One small builder of each family, at the smallest comfortable size in pixels.
SMALLEST_OF_FAMILY = {
    "alexnet": 64,
    "convnext_tiny": 32,
    "densenet121": 32,
    "efficientnet_b0": 32,
    "efficientnet_v2_s": 32,
    "googlenet": 64,
    "inception_v3": 96,
    "maxvit_t": 224,
    "mnasnet0_5": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "regnet_y_400mf": 32,
    "resnet18": 32,
    "resnext50_32x4d": 32,
    "shufflenet_v2_x0_5": 32,
    "squeezenet1_1": 32,
    "swin_t": 32,
    "swin_v2_t": 64,
    "vgg11_bn": 32,
    "vit_b_32": 64,
    "wide_resnet50_2": 32,
}
QUICK_FAMILIES = frozenset(
    {"mobilenet_v3_small", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "vit_b_32"}
)
"""One of each kind of network; the tests of the others are slow ones where all are tested."""
CLASSES = 3


def small_backbone(name: str) -> Backbone:
    """Return a backbone with weights of its own, for three classes."""
    seed_everything(0, verbose=False)
    size = SMALLEST_OF_FAMILY[name]
    return build_backbone(name, num_classes=CLASSES, weights=None, image_size=size)


def random_task(images: int = 8) -> Task:
    """Return noise with labels: enough to move every weight that may move."""
    generator = torch.Generator().manual_seed(1)

    def split(first: int, count: int) -> Split:
        pixels = torch.randint(0, 256, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
        return Split(pixels, torch.arange(count) % CLASSES, torch.arange(first, first + count))

    train, val, test = split(0, images), split(100, 3), split(200, 3)
    splits = splits_of(train, val, test)
    fingerprint = task_fingerprint(splits)
    return Task("noise", ("a", "b", "c"), splits, fingerprint)


def training(optimizer: Any = None) -> Training:
    """Return a recipe whose momentum and decay would move whatever is not truly frozen."""
    chosen = optimizer or partial(sgd, lr=0.05, weight_decay=0.1, momentum=0.9)
    return Training(loss=CrossEntropy(), optimizer=chosen, schedule=constant, seed=0)


def adam_training() -> Training:
    """Return a recipe that learns quickly."""
    return training(partial(adamw, lr=1e-2))


def fit(
    module: TransferModule,
    *callbacks: Callback,
    epochs: int = 2,
    batch_size: int = 4,
    task: Task | None = None,
) -> Trainer:
    """Fit a module on noise, or on another task, with Lightning."""
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=list(callbacks),
    )
    trainer.fit(module, TaskDataModule(task or random_task(), batch_size=batch_size, seed=0))
    return trainer


def state_of(backbone: Backbone) -> dict[str, torch.Tensor]:
    """Return a copy of every parameter and buffer."""
    return {name: value.clone() for name, value in backbone.network.state_dict().items()}


def changed(before: dict[str, torch.Tensor], backbone: Backbone) -> set[str]:
    """Return the names of parameters and buffers which are not bit-identical any more."""
    after = backbone.network.state_dict()
    return {
        name for name, value in before.items() if name in after and not value.equal(after[name])
    }


def families(names: Iterable[str] = tuple(SMALLEST_OF_FAMILY)) -> list[Any]:
    """Return builders as parameters of a test, those that are not quick marked as slow."""
    return [
        pytest.param(name, marks=() if name in QUICK_FAMILIES else pytest.mark.slow)
        for name in names
    ]
