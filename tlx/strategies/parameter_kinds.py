"""Parameters by what they do in a layer, whatever stage they lie in."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
"""Batch, instance, group, layer and root-mean-square norms; torchvision's own derive from these."""


def norm_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the normalisation layers of a network by their qualified names."""
    return {name: m for name, m in network.named_modules() if isinstance(m, NORMS)}


def norm_parameters(network: nn.Module) -> frozenset[str]:
    """Return the names of the scales and shifts of all normalisation layers."""
    return frozenset(
        f"{layer}.{name}"
        for layer, module in norm_layers(network).items()
        for name, _ in module.named_parameters(recurse=False)
    )


def bias_parameters(network: nn.Module) -> frozenset[str]:
    """Return the names of all biases: of linear maps, convolutions, attention and norms.

    Swin's `relative_position_bias_table` is a table of embeddings, not an intercept, and is left
    out.
    """
    names = (name for name, _ in network.named_parameters())
    return frozenset(name for name in names if name.rsplit(".", 1)[-1].endswith("bias"))
