"""Low-rank matrices beside weights: PEFT's layers where layers are called, else a parametrization.

PEFT is heavy, and imported where layers are injected alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from tlx.strategies.adapters.parametrized import evaluated_state

ADAPTER = "default"
"""What PEFT calls the only adapter."""


@dataclass(frozen=True)
class LowRank:
    """What is added to each weight.

    Args:
        rank: Of the product.
        alpha: Its factor is `alpha / rank`.
        dropout: Share of the inputs that training leaves out of the product.
    """

    rank: int
    alpha: float
    dropout: float = 0.0

    def beside(self, weight: Tensor) -> LowRankSum:
        """Return what makes a weight (outputs, inputs) its sum with a low-rank product."""
        return LowRankSum(weight, self.rank, self.alpha / self.rank)


class LowRankSum(nn.Module):
    """A weight plus a low-rank product, zero at first, with PEFT's initialisation.

    Args:
        weight: Shape (outputs, inputs).
        rank: Of the product.
        factor: Of the product.
    """

    def __init__(self, weight: Tensor, rank: int, factor: float) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        # Names that end like PEFT's, so that weight decay treats both alike.
        self.A_weight = nn.Parameter(torch.empty(rank, inputs, device=weight.device))
        self.B_weight = nn.Parameter(torch.zeros(outputs, rank, device=weight.device))
        nn.init.kaiming_uniform_(self.A_weight, a=math.sqrt(5))
        self.factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        """Return the sum, shape (outputs, inputs)."""
        return weight + self.factor * (self.B_weight @ self.A_weight)


def inject(network: nn.Module, names: Sequence[str], low_rank: LowRank) -> None:
    """Put PEFT's layers in the place of some, in place; each holds the old as `base_layer`.

    Args:
        network: The network.
        names: Qualified names of linear maps and convolutions that are called.
        low_rank: What to add.
    """
    if not names:
        return
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(
        r=low_rank.rank,
        lora_alpha=cast(int, low_rank.alpha),  # a factor alone, of any kind
        lora_dropout=low_rank.dropout,
        # A list would match names by their ends too.
        target_modules="|".join(re.escape(name) for name in names),
    )
    inject_adapter_in_model(config, network, adapter_name=ADAPTER)


def injected(network: nn.Module) -> dict[str, Any]:
    """Return PEFT's layers in a network by their qualified names, which are those of the old."""
    return {n: m for n, m in network.named_modules() if is_injected(m)}


def is_injected(module: nn.Module) -> bool:
    """Return whether a module is a layer of PEFT's."""
    return hasattr(module, "base_layer") and hasattr(module, "lora_A")


@torch.no_grad()
def merged_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state that the network has once its products are merged."""
    layers = injected(network)
    state = {
        name.replace(".base_layer.", "."): value
        for name, value in evaluated_state(network).items()
        if ".lora_" not in name
    }
    for name, layer in layers.items():
        weight = f"{name}.weight"
        state[weight] = state[weight] + layer.get_delta_weight(ADAPTER)
    return state


@torch.no_grad()
def merge_injected(network: nn.Module) -> None:
    """Add each product to its weight, and put the old layers back in their places.

    PEFT's layers which something else still holds (a tail behind stored activations) add nothing
    any more.
    """
    for name, layer in injected(network).items():
        layer.merge()
        network.set_submodule(name, layer.get_base_layer())
