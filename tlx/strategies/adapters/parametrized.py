"""Networks whose tensors are functions of what trains (torch's parametrizations), as plain ones."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

MARK = ".parametrizations."


def parametrizing(network: nn.Module) -> frozenset[str]:
    """Return the names of the parameters that other tensors are functions of."""
    names = (name for name, _ in network.named_parameters())
    return frozenset(name for name in names if MARK in name and not name.endswith(".original"))


@torch.no_grad()
def evaluated_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the network's state with the values of its parametrized tensors under their names."""
    state = {name: value for name, value in network.state_dict().items() if MARK not in name}
    for path, layer in network.named_modules():
        if is_parametrized(layer):
            names = cast(nn.ModuleDict, layer.parametrizations)
            state |= {f"{path}.{name}": getattr(layer, name) for name in names}
    return state


def evaluate_for_good(network: nn.Module) -> None:
    """Give every parametrized tensor its value as a plain parameter, in place.

    What else still asks the parametrizations (a tail behind stored activations) gets that value.
    """
    for layer in list(network.modules()):
        if is_parametrized(layer):
            functions = cast(nn.ModuleDict, layer.parametrizations)
            # The last first: a bias may need what belongs to the weight before it.
            for name, chain in reversed(list(functions.items())):
                remove_parametrizations(layer, name, leave_parametrized=True)
                for place in range(len(cast(nn.ModuleList, chain))):
                    cast(nn.ModuleList, chain)[place] = nn.Identity()
