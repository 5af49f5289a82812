"""Model A's own output layer, which the head for the target task replaced."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

from tlx.errors import TlxError

if TYPE_CHECKING:
    from tlx.backbones import Backbone


def source_head_of(backbone: Backbone, device: torch.device) -> nn.Linear:
    """Return a frozen copy of model A's own output layer, which maps features (n, d) to logits.

    Args:
        backbone: Model A with a head for the target task.
        device: Where to put it.

    Raises:
        TlxError: Where model A came without one.
    """
    head = backbone.source_head
    if not isinstance(head, nn.Linear) or head.out_features < 2:
        raise TlxError(
            f"{backbone.name} from {backbone.weights_source} has no output layer of its own that "
            "is one linear map to classes, so it gives no predictions to hold on to. Use "
            "regularizer=l2_sp, or relation_distillation."
        )
    return copy.deepcopy(head).float().to(device).eval().requires_grad_(False)


def trainable_copy(head: nn.Linear) -> nn.Linear:
    """Return a copy of an output layer that trains along with the network."""
    return copy.deepcopy(head).train().requires_grad_(True)
