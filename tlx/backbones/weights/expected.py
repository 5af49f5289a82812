"""Which tensors a network has: their names, shapes and number types, found without memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from tlx.backbones.construct import construct
from tlx.backbones.heads import auxiliary_paths, head_path

IMAGENET_CLASSES = 1000
COUNTER = "num_batches_tracked"
"""Batch norm's counter, which files from before torch 0.4 lack; nothing is computed with it."""


@lru_cache(maxsize=128)
def expected_tensors(
    name: str,
    num_classes: int = IMAGENET_CLASSES,
    *,
    image_size: int | None = None,
    auxiliary: bool = False,
) -> Mapping[str, Tensor]:
    """Return a network's state dict on the meta device.

    Args:
        name: A builder name.
        num_classes: See `construct`.
        image_size: See `construct`.
        auxiliary: See `construct`.
    """
    network = construct(name, num_classes, image_size=image_size, auxiliary=auxiliary, meta=True)
    return {
        key: torch.empty(value.shape, dtype=value.dtype, device="meta")
        for key, value in network.state_dict().items()
    }


@lru_cache(maxsize=128)
def needed_names(name: str) -> frozenset[str]:
    """Return the names without which a network is not whole: neither head nor counters.

    Args:
        name: A builder name.
    """
    beside = (head_path(name), *auxiliary_paths(name))
    return frozenset(
        key
        for key in expected_tensors(name)
        if not is_under(key, *beside) and not key.endswith(COUNTER)
    )


def is_under(key: str, *paths: str) -> bool:
    """Return whether a tensor belongs to a module, or one within it."""
    return any(key.startswith(f"{path}.") for path in paths)
