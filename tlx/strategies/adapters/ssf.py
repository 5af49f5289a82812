"""Scaling and shifting the features of every layer, and a new head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import register_parametrization

from tlx.strategies.adapters.adapted import Adapted, layers_before_head
from tlx.strategies.adapters.parametrized import evaluate_for_good, evaluated_state, parametrizing
from tlx.strategies.parameter_kinds import NORMS

if TYPE_CHECKING:
    from tlx.backbones import Backbone


class ChannelScale(nn.Module):
    """A factor for each output channel of a layer, on its weight; 1 at first.

    Args:
        weight: The layer's weight, shape (channels, ...).
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(weight.shape[0], device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight, shape (channels, ...), scaled by channels."""
        return weight * self.scale.view(-1, *[1] * (weight.ndim - 1))


class ChannelShift(nn.Module):
    """A summand for each output channel of a layer, on its scaled bias; 0 at first.

    Args:
        bias: The layer's bias, shape (channels,).
        scale: The factor of the same channels.
    """

    def __init__(self, bias: Tensor, scale: ChannelScale) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros_like(bias))
        self._scale = (scale,)  # in a tuple: it belongs to the weight

    def forward(self, bias: Tensor) -> Tensor:
        """Return the bias, shape (channels,), scaled and shifted."""
        (scale,) = self._scale
        return bias * scale.scale + self.shift


class Ssf(Adapted):
    """Train a scale and a shift for each channel behind every layer, and a new head.

    y = scale * (W x + b) + shift = (scale W) x + (scale b + shift): the layer itself takes up both,
    during training too, so that the merged network computes what was trained. Layers are
    convolutions, linear maps, norms, and the joint projection of queries, keys and values in
    attention. A layer without a bias (a convolution before batch norm) gets a scale alone, since
    the plain network has no place for a shift; the norm behind it shifts. Both start as what
    changes nothing. Batch norm keeps model A's statistics. Source: Lian et al. 2022, "Scaling &
    shifting your features", section 3.2.

    Args:
        backbone: Model A with a head for the target task.
        training: How to train.
    """

    def add_parts(self, backbone: Backbone) -> None:
        """Give every layer before the head a scale, and a shift where it has a bias."""
        self._count = 0
        for layer in layers_before_head(backbone).values():
            names = _tensors_of(layer)
            if names:
                _scale_and_shift(layer, names)
                self._count += 1

    def added_parameters(self) -> frozenset[str]:
        """Return the names of all scales and shifts."""
        return parametrizing(self.backbone.network)

    def plain_state(self) -> dict[str, Tensor]:
        """Return the state of the plain network, with scales and shifts in its layers."""
        return evaluated_state(self.backbone.network)

    def merge_parts(self) -> None:
        """Merge all scales and shifts into the layers."""
        evaluate_for_good(self.backbone.network)

    def describe(self) -> str:
        """Return one line for the console: what trains and what is frozen."""
        return f"trains scales and shifts of {self._count} layers, head; the rest frozen"


def _scale_and_shift(layer: nn.Module, names: tuple[str, ...]) -> None:
    scale = ChannelScale(getattr(layer, names[0]))
    register_parametrization(layer, names[0], scale)
    for name in names[1:]:
        register_parametrization(layer, name, ChannelShift(getattr(layer, name), scale))


def _tensors_of(layer: nn.Module) -> tuple[str, ...]:
    """Return the names of a layer's weight and, where it has one, its bias; of others none."""
    if isinstance(layer, nn.MultiheadAttention):
        weight, bias = "in_proj_weight", "in_proj_bias"
    elif isinstance(layer, (nn.Linear, _ConvNd, *NORMS)):
        weight, bias = "weight", "bias"
    else:
        return ()
    return tuple(n for n in (weight, bias) if getattr(layer, n, None) is not None)
