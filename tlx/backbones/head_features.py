"""The features that a backbone's head takes, where the head is one linear map."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from tlx.backbones.backbone import Backbone
from tlx.backbones.construct import construct
from tlx.backbones.heads import head_path


def why_not_linear(name: str, *, with_intercept: bool = True) -> str | None:
    """Return why a builder's head is no linear map of a feature vector; None where it is one.

    Args:
        name: A builder name.
        with_intercept: Whether the map must have an intercept.
    """
    kind, has_intercept = _head_of(name)
    if kind != nn.Linear.__name__:
        return f"the last features of {name} go through a {kind} and more, not one linear map"
    if with_intercept and not has_intercept:
        return f"the last layer of {name} has no intercept, which the solution needs"
    return None


@cache
def _head_of(name: str) -> tuple[str, bool]:
    """Return the type of a builder's head, and whether it has an intercept."""
    head = construct(name, 2, meta=True).get_submodule(head_path(name))
    return type(head).__name__, getattr(head, "bias", None) is not None


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
