"""The features that a backbone's head takes, where the head is one linear map."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from tlx.backbones.backbone import Backbone
from tlx.backbones.construct import construct
from tlx.backbones.heads import head_path


@cache
def why_not_linear(name: str, *, with_intercept: bool = True) -> str | None:
    """Return why a builder's head is no linear map of a feature vector; None where it is one.

    Args:
        name: A builder name.
        with_intercept: Whether the map must have an intercept.
    """
    head = construct(name, 2, meta=True).get_submodule(head_path(name))
    if not isinstance(head, nn.Linear):
        kind = type(head).__name__
        return f"the last features of {name} go through a {kind} and more, not one linear map"
    if with_intercept and getattr(head, "bias", None) is None:
        return f"the last layer of {name} has no intercept, which the solution needs"
    return None


@torch.inference_mode()
def head_features(backbone: Backbone, module: nn.Module, inputs: Tensor) -> Tensor:
    """Return what reaches the head when a module runs that ends in it.

    Args:
        backbone: The model whose head it is.
        module: The backbone itself, or a tail of it.
        inputs: What the module takes, n of them.

    Returns:
        Features in single precision on the CPU, shape (n, d).
    """
    seen: list[Tensor] = []

    def keep(_head: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen.append(given[0].detach().float().cpu())

    handle = backbone.head.register_forward_pre_hook(keep)
    try:
        module(inputs)
    finally:
        handle.remove()
    (features,) = seen
    return features
