"""Which weights decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Return whether weight decay applies to a parameter.

    Decay shrinks the weights of linear maps, convolutions and embeddings of tokens. It does not
    apply to norms, biases and other 1-D parameters, nor to what is no linear map though it has
    more dimensions: class tokens, position embeddings, Swin's bias tables and logit scales,
    ConvNeXt's layer scales. In torchvision's naming, and PyTorch's, linear maps are the
    parameters called `...weight` with two dimensions or more.

    Args:
        name: The parameter's qualified name.
        parameter: The parameter, any shape.
    """
    return parameter.ndim >= 2 and name.rsplit(".", 1)[-1].endswith("weight")


def parameter_groups(
    parameters: Iterable[tuple[str, nn.Parameter]], *, weight_decay: float
) -> list[dict[str, Any]]:
    """Return optimizer groups: weights that decay, and those that do not.

    Args:
        parameters: Names and parameters of everything that trains in *any* epoch. Groups exist
            from the start, since adding one later breaks the schedulers.
        weight_decay: Decay of the first group.

    Returns:
        One or two groups with their `params`, `weight_decay` and `name`; empty ones are left out.
    """
    named = list(parameters)
    groups = [
        ("decay", weight_decay, [p for n, p in named if decays(n, p)]),
        ("no_decay", 0.0, [p for n, p in named if not decays(n, p)]),
    ]
    return [{"name": n, "params": ps, "weight_decay": d} for n, d, ps in groups if ps]
