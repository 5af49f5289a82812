"""Training written out in plain torch: what the strategies' fits are compared with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tests.strategies.fits import fit, random_task, training
from tlx.backbones import Backbone
from tlx.optimization.optimizers import sgd
from tlx.strategies.base import Training, TransferModule

LR, MOMENTUM = 0.05, 0.9


def plain_recipe(**options: Any) -> Training:
    """Return stochastic gradient descent without decay."""
    chosen = {"weight_decay": 0.0, "momentum": MOMENTUM, "nesterov": False} | options
    return training(partial(sgd, lr=LR, **chosen))


def plain_loop(
    backbone: Backbone,
    trained: Callable[[int], Collection[str]],
    *,
    epochs: int = 3,
    penalty: Callable[[Backbone], Tensor] | None = None,
    decay: float = 0.0,
) -> dict[str, Tensor]:
    """Train the named parameters on all images at once, one step per epoch, the rest in eval.

    Args:
        backbone: Model A; trained in place. Everything is in eval mode, its head too.
        trained: Names of the parameters of an epoch.
        epochs: Steps.
        penalty: Added to the loss.
        decay: Weight decay.

    Returns:
        The network's state.
    """
    named = dict(backbone.network.named_parameters())
    options = {"lr": LR, "momentum": MOMENTUM, "weight_decay": decay}
    optimizer = torch.optim.SGD(list(named.values()), **options)
    task = random_task()
    backbone.eval()
    for epoch in range(epochs):
        optimizer.zero_grad()
        logits = backbone(backbone.preprocess(task.train.inputs))
        loss = torch.nn.functional.cross_entropy(logits, task.train.labels)
        if penalty is not None:
            loss = loss + penalty(backbone)
        loss.backward()
        for name, parameter in named.items():
            if name not in trained(epoch):
                parameter.grad = None
        optimizer.step()
    return backbone.network.state_dict()


def whole_batches(module: TransferModule, *, epochs: int = 3) -> dict[str, Tensor]:
    """Fit a strategy on the same images, all at once, and return the network's state."""
    fit(module, epochs=epochs, batch_size=8)
    return {name: value.detach() for name, value in module.backbone.network.state_dict().items()}


def farthest(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Return the largest difference between two states."""
    return max(float((one[name] - other[name]).abs().max()) for name in one)
