"""Stacked heads: the logits of many jobs, and from their gradients those of the parameters.

Jobs are ordered in groups of equal size; the heads of a group see the same batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.fx import GraphModule

RANDOM_OPERATIONS: Final = frozenset(
    {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
     "stochastic_depth", "drop_block2d", "drop_block3d", "rrelu", "batch_norm"}
)  # fmt: skip
RANDOM_MODULES: Final = (
    "_DropoutNd",
    "StochasticDepth",
    "DropBlock2d",
    "RReLU",
    "_NormBase",
)


class StackedHeads(Protocol):
    """Many heads of one structure."""

    def logits(self, features: Tensor, stored: Sequence[Tensor], unit: Tensor) -> Tensor:
        """Return logits of shape (groups, heads, classes, images).

        Args:
            features: Shape (groups, images, ...).
            stored: The parameters in units of the learning rate, shapes (jobs, ...).
            unit: Shape (jobs,); the parameters are `stored` times this.
        """

    def gradients(self, gradient: Tensor) -> list[Tensor]:
        """Return the gradients by the parameters, from those by the last logits.

        Args:
            gradient: Shape (groups, heads, classes, images).

        Returns:
            Shapes (jobs, ...); they may be overwritten.
        """


class LinearHeads:
    """Heads of one linear layer: two matrix products a step, over all the heads of a group.

    Args:
        autocast: A lower number format for products and their gradients, as in mixed precision.
    """

    def __init__(self, autocast: torch.dtype | None = None) -> None:
        self._autocast = autocast
        self._features = torch.empty(0)
        self._has_bias = False
        self._product = torch.empty(0)

    def logits(self, features: Tensor, stored: Sequence[Tensor], unit: Tensor) -> Tensor:
        """See `StackedHeads`."""
        groups, images, width = features.shape
        jobs, classes, _ = stored[0].shape
        if self._autocast is not None:
            stored = [p.mul(unit.view(-1, *[1] * (p.dim() - 1))).to(self._autocast) for p in stored]
            features = features.to(self._autocast)
        self._features, self._has_bias = features, len(stored) > 1
        weight = stored[0].view(groups, -1, width)
        inputs = features.transpose(1, 2)
        if self._has_bias:
            product = torch.baddbmm(stored[1].view(groups, -1, 1), weight, inputs)
        else:
            product = torch.bmm(weight, inputs)
        logits = product.view(jobs, classes, images)
        if self._autocast is None:
            logits.mul_(unit.view(jobs, 1, 1))
        return logits.float().view(groups, jobs // groups, classes, images)

    def gradients(self, gradient: Tensor) -> list[Tensor]:
        """See `StackedHeads`."""
        groups, heads, classes, images = gradient.shape
        flat = gradient.reshape(groups, heads * classes, images).to(self._features.dtype)
        shape = (groups, heads * classes, self._features.shape[2])
        if self._product.shape != shape:  # fresh memory for every step would cost more than the sum
            self._product = flat.new_empty(shape)
        torch.bmm(flat, self._features, out=self._product)
        weight = self._product.view(groups * heads, classes, -1).float()
        if not self._has_bias:
            return [weight]
        return [weight, flat.sum(dim=2).view(groups * heads, classes).float()]


class TailHeads:
    """Heads of any differentiable structure, by `torch.func` and automatic differentiation.

    Args:
        tail: The structure; its own parameters are not used.
        names: Names of the stacked parameters, in their order.
        autocast: A lower number format to compute in, as mixed precision does; None for none.
    """

    def __init__(
        self, tail: nn.Module, names: Sequence[str], autocast: torch.dtype | None = None
    ) -> None:
        self._tail = tail
        self._names = tuple(names)
        self._autocast = autocast
        self._leaves: list[Tensor] = []
        self._logits = torch.empty(0)

    def logits(self, features: Tensor, stored: Sequence[Tensor], unit: Tensor) -> Tensor:
        """See `StackedHeads`."""
        groups, jobs = len(features), len(unit)
        shape = [1] * features.dim()
        with torch.enable_grad(), self._precision(features.device):
            self._leaves = [
                (p.detach() * unit.view(-1, *shape[: p.dim() - 1])).requires_grad_() for p in stored
            ]
            per_group = [p.view(groups, jobs // groups, *p.shape[1:]) for p in self._leaves]
            self._logits = vmap(vmap(self._one, (0, None)), (0, 0))(tuple(per_group), features)
        return self._logits.detach().float().transpose(2, 3)

    def gradients(self, gradient: Tensor) -> list[Tensor]:
        """See `StackedHeads`."""
        by_logits = gradient.transpose(2, 3).to(self._logits.dtype)
        found = torch.autograd.grad(self._logits, self._leaves, by_logits)
        return [gradient.contiguous() for gradient in found]

    def _one(self, parameters: tuple[Tensor, ...], features: Tensor) -> Tensor:
        named = dict(zip(self._names, parameters, strict=True))
        logits: Tensor = functional_call(self._tail, named, (features,))
        return logits

    def _precision(self, device: torch.device) -> AbstractContextManager[Any]:
        if self._autocast is None:
            return nullcontext()
        return torch.autocast(device.type, self._autocast, cache_enabled=False)


def stacked_heads(
    tail: nn.Module, features: Tensor, autocast: torch.dtype | None = None
) -> StackedHeads:
    """Return the fastest stacked heads for a tail.

    Args:
        tail: What follows the cut, from features to logits.
        features: What it is given, shape (n, ...).
        autocast: See `TailHeads`.
    """
    names = [name for name, _ in tail.named_parameters()]
    is_linear = _is_linear(tail) and names[0].endswith("weight") and features.dim() == 2
    return LinearHeads(autocast) if is_linear else TailHeads(tail, names, autocast)


def fits_bank(tail: nn.Module) -> str | None:
    """Return why a tail cannot train in a head bank, or None where it can.

    What drops at random draws from each job's own stream of numbers, and batch norm in training
    keeps averages beside its parameters; neither can be stacked and stay the same.
    """
    for name, module in tail.named_modules():
        found = [base.__name__ for base in type(module).__mro__]
        if any(one in found for one in RANDOM_MODULES):
            return f"its layer {name or type(module).__name__} draws at random or keeps averages"
        for node in module.graph.nodes if isinstance(module, GraphModule) else ():
            operation = getattr(node.target, "__name__", str(node.target))
            if node.op in ("call_function", "call_method") and operation in RANDOM_OPERATIONS:
                return f"its operation {operation} draws at random or keeps averages"
    if next(tail.parameters(), None) is None:
        return "nothing in it trains"
    return None


def _is_linear(tail: nn.Module) -> bool:
    """Return whether a tail is one linear layer, by itself or as the only step of a graph."""
    if not isinstance(tail, GraphModule):
        return type(tail) is nn.Linear
    steps = [node for node in tail.graph.nodes if node.op not in ("placeholder", "output")]
    if len(steps) != 1 or steps[0].op != "call_module":
        return False
    return type(tail.get_submodule(str(steps[0].target))) is nn.Linear
