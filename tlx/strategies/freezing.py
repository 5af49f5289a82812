"""Freezing: parameters without gradients, and their modules in `eval()`, or nothing is frozen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from tlx.backbones import Backbone, Stage


def frozen_stages(backbone: Backbone, trained: Collection[str]) -> Iterator[Stage]:
    """Yield the stages which are not among the trained ones."""
    return (stage for stage in backbone.stages if stage.name not in trained)


def stage_parameters(backbone: Backbone, trained: Collection[str]) -> frozenset[str]:
    """Return the names of the parameters of the trained stages, and of all outside any stage.

    Args:
        backbone: The model.
        trained: Names of the stages that train.
    """
    frozen = {name for s in frozen_stages(backbone, trained) for name in s.parameter_names}
    return frozenset(name for name, _ in backbone.network.named_parameters() if name not in frozen)


def set_trainable(backbone: Backbone, trained: Collection[str]) -> None:
    """Give gradients to the named parameters, and to nothing else.

    A gradient left over from an earlier phase would move a frozen weight by momentum or decay,
    so it is dropped.

    Args:
        backbone: The model.
        trained: Names of the parameters that train.
    """
    for name, parameter in backbone.network.named_parameters():
        parameter.requires_grad_(name in trained)
        if name not in trained:
            parameter.grad = None


def frozen_modules(backbone: Backbone, trained: Collection[str]) -> list[nn.Module]:
    """Return the modules which must stay in `eval()` while the given stages train.

    `requires_grad=False` alone does not freeze: batch norm would go on averaging, dropout and
    stochastic depth would go on dropping.
    """
    names = [n for s in frozen_stages(backbone, trained) for n in s.module_names]
    return [backbone.network.get_submodule(name) for name in names]


def shortened(names: Sequence[str]) -> list[str]:
    """Return stage names for people: of more than four the first two and the last."""
    return list(names) if len(names) <= 4 else [*names[:2], "...", names[-1]]
