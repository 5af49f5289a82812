"""Which builder a file's tensors fit, where it is not the one that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from torch import Tensor
from torchvision.models import get_model_weights

from tlx.backbones.mlp.mlp_name import is_mlp
from tlx.backbones.names import BUILDER_NAMES, family_of
from tlx.backbones.weights.expected import expected_tensors, needed_names

MOST_TRIED: Final = 10
_LEAST: Final = 0.2
_MOST: Final = 2.0
"""Bounds of the file's numbers to the builder's: heads may be missing, other parts beside it."""
_STATISTICS: Final = ("running_mean", "running_var", "num_batches_tracked")


def nearest_builder(name: str, state: Mapping[str, Tensor]) -> str | None:
    """Return another builder whose stages a file has, name by name and shape by shape.

    Only builders with about as many parameters are tried: making each without memory takes a
    tenth of a second.

    Args:
        name: The builder that was asked for.
        state: The file's tensors, perhaps on the meta device.
    """
    if is_mlp(name):
        return None
    count = sum(value.numel() for key, value in state.items() if not key.endswith(_STATISTICS))
    sizes = {other: _parameters(other) for other in BUILDER_NAMES if other != name}
    near = [o for o, size in sizes.items() if _LEAST * size <= count <= _MOST * size]
    near.sort(key=lambda o: (family_of(o) != family_of(name), abs(sizes[o] - count)))
    return next((other for other in near[:MOST_TRIED] if _fits(other, state)), None)


def _parameters(name: str) -> int:
    return int(get_model_weights(name).DEFAULT.meta["num_params"])


def _fits(name: str, state: Mapping[str, Tensor]) -> bool:
    own = expected_tensors(name)
    free = "encoder.pos_embedding"
    return all(
        key in state and (state[key].shape == own[key].shape or key == free)
        for key in needed_names(name)
    )
