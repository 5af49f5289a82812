"""A small model A with an output layer of its own, and rows of features to transfer it to."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import seed_everything
from torch import Tensor, nn

from tests.strategies.fits import CLASSES, fit, small_backbone
from tests.strategies.plain_loop import plain_recipe
from tlx.backbones import Backbone, build_backbone
from tlx.data.splits import task_fingerprint
from tlx.data.task import Split, Task, splits_of
from tlx.objectives.terms import Stream
from tlx.regularization.regularizer import Regularizer
from tlx.strategies.base import Training, TransferModule
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse

SOURCE_CLASSES = 5
WIDTH = 6
CPU = torch.device("cpu")


def with_source_head(backbone: Backbone) -> Backbone:
    """Return the same network, with the output layer that its head is said to have replaced."""
    head = backbone.head
    assert isinstance(head, nn.Linear)
    return Backbone(
        backbone.name,
        backbone.network,
        preprocess=backbone.preprocess,
        num_classes=backbone.num_classes,
        source_head=nn.Linear(head.in_features, SOURCE_CLASSES),
    )


def image_model(name: str) -> Backbone:
    """Return a small network for images, with a source head."""
    return with_source_head(small_backbone(name))


def rows_model(name: str = "mlp_7_4_tanh") -> Backbone:
    """Return a perceptron for rows of features, with a source head."""
    seed_everything(0, verbose=False)
    return with_source_head(build_backbone(name, num_classes=CLASSES, image_size=WIDTH))


def rows_task(rows: int = 8) -> Task:
    """Return noise with labels."""
    generator = torch.Generator().manual_seed(1)

    def split(first: int, count: int) -> Split:
        features = torch.randn(count, WIDTH, generator=generator)
        return Split(features, torch.arange(count) % CLASSES, torch.arange(first, first + count))

    train, val, test = split(0, rows), split(100, 3), split(200, 3)
    splits = splits_of(train, val, test)
    fingerprint = task_fingerprint(splits)
    return Task("noise", ("a", "b", "c"), splits, fingerprint)


def regularised(regularizer: Regularizer, **options: Any) -> Training:
    """Return stochastic gradient descent on a regularised loss."""
    plain = plain_recipe(**options)
    return Training(plain.loss, plain.optimizer, plain.schedule, terms={"penalty": regularizer})


def bound(regularizer: Regularizer, backbone: Backbone, task: Task) -> TransferModule:
    """Return a module whose term is bound, as at the start of a fit."""
    module = TransferModule(StructureReuse(backbone), regularised(regularizer))
    module.bind_terms(task, CPU)
    return module


def step_of(module: TransferModule, split: Split) -> dict[str, Stream]:
    """Return what a step on all training examples gives the term."""
    seen: list[Tensor] = []
    handle = module.backbone.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    logits = module(split.inputs)
    handle.remove()
    taken = module.network_inputs(split.inputs)
    return {"target": Stream(taken, split.labels, seen[0], logits)}


def fitted(module: TransferModule, *, epochs: int = 3) -> dict[str, Tensor]:
    """Fit on all rows at once and return the module's state."""
    fit(module, epochs=epochs, batch_size=8, task=rows_task())
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
