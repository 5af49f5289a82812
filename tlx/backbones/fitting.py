"""Putting a state dict into a network, strictly, with errors that name what does not fit."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from typing import Final

import torch
from torch import Tensor, nn

from tlx.backbones.construct import construct
from tlx.backbones.heads import auxiliary_paths, head_path
from tlx.backbones.mlp import features_in
from tlx.backbones.mlp_name import is_mlp
from tlx.backbones.names import family_of
from tlx.backbones.nearest_head import nearest_head_in
from tlx.backbones.sources import WeightsError
from tlx.backbones.state_files import StateDict
from tlx.errors import Fault

IMAGENET_CLASSES: Final = 1000
SHOWN_KEYS: Final = 3

# torchvision's own pattern for the DenseNet files made before module names lost their dots.
_OLD_DENSENET: Final = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$"
)


def classes_in(name: str, state: StateDict) -> int:
    """Return how many classes the head in a state dict has (1000 where there is no head)."""
    head = head_path(name)
    per_class = state.get(f"{head}.weight", state.get(f"{head}.class_counts"))
    return IMAGENET_CLASSES if per_class is None else int(per_class.shape[0])


def image_size_in(name: str, state: StateDict) -> int | None:
    """Return the image size in pixels that a state dict is bound to, or None where it is not.

    Only ViT is bound: its position embedding has one entry per patch and one for the class. An
    MLP is bound to its number of features.
    """
    if is_mlp(name):
        return features_in(state)
    positions = state.get("encoder.pos_embedding")
    patches = state.get("conv_proj.weight")
    if family_of(name) != "vit" or positions is None or patches is None:
        return None
    side = math.isqrt(int(positions.shape[1]) - 1)
    return side * int(patches.shape[-1])


def load_network(
    name: str,
    state: StateDict,
    words: str,
    *,
    image_size: int | None,
    transform_input: bool = True,
) -> nn.Module:
    """Build the network that a state dict belongs to, and load it strictly.

    The head has the number of classes of the file, or is the file's nearest-neighbour head, and
    auxiliary classifiers exist where the file has them. Floating-point tensors become float32.

    Args:
        name: A builder name.
        state: Tensors by torchvision's names; on the meta device they only check the fit.
        words: What to call the weights in errors.
        image_size: Height and width in pixels, for networks that are bound to it.
        transform_input: See `construct`.

    Raises:
        WeightsError: If keys are missing, unexpected or of another shape, or values not finite.
    """
    auxiliary = any(key.startswith(f"{path}.") for path in auxiliary_paths(name) for key in state)
    network = construct(
        name,
        classes_in(name, state),
        image_size=image_size_in(name, state) or image_size,
        transform_input=transform_input,
        auxiliary=auxiliary,
        meta=True,
    )
    path = head_path(name)
    nearest = nearest_head_in(state, path, network.get_submodule(path))
    if nearest is not None:
        network.set_submodule(path, nearest)
    prepared = _prepared(name, network, state)
    try:
        network.load_state_dict(prepared, strict=True, assign=True)
    except RuntimeError as error:
        raise WeightsError(_misfit(name, network, prepared, words, error)) from error
    _check_finite(network, words)
    return network


def _prepared(name: str, network: nn.Module, state: StateDict) -> StateDict:
    """Return the state dict in float32, under today's names, with version metadata."""
    prepared: StateDict = OrderedDict()
    for key, value in state.items():
        match = _OLD_DENSENET.match(key) if family_of(name) == "densenet" else None
        prepared["".join(match.groups()) if match else key] = (
            value.float() if value.is_floating_point() else value
        )
    metadata = getattr(state, "_metadata", None) or _assumed_metadata(network, prepared)
    prepared._metadata = metadata  # type: ignore[attr-defined]
    return prepared


def _assumed_metadata(network: nn.Module, state: StateDict) -> dict[str, dict[str, int]]:
    """Return today's module versions, but old ones for batch norms without a counter.

    Files from before torch 0.4 have neither metadata nor counters; safetensors have no metadata.
    """
    own = network.state_dict()
    metadata = dict(getattr(own, "_metadata", {}))
    for key in own:
        module, _, attribute = key.rpartition(".")
        if attribute == "num_batches_tracked" and key not in state:
            metadata[module] = {}
    return metadata


def _some(keys: list[str]) -> str:
    more = f", and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
    return ", ".join(keys[:SHOWN_KEYS]) + more


def _misfit(
    name: str, network: nn.Module, state: StateDict, words: str, error: RuntimeError
) -> Fault:
    own: dict[str, Tensor] = network.state_dict()
    missing = [key for key in own if key not in state and "num_batches_tracked" not in key]
    unexpected = [key for key in state if key not in own]
    reshaped = [
        f"{key} is {tuple(state[key].shape)}, should be {tuple(value.shape)}"
        for key, value in own.items()
        if key in state and state[key].shape != value.shape
    ]
    parts = [f"{len(missing)} missing keys ({_some(missing)})"] if missing else []
    parts += [f"{len(unexpected)} unexpected keys ({_some(unexpected)})"] if unexpected else []
    parts += [f"{len(reshaped)} of another shape ({_some(reshaped)})"] if reshaped else []
    reason = f"they do not fit {name}: {'; '.join(parts) or str(error)}"
    theirs = "an" if is_mlp(name) else "torchvision's"
    remedy = f"Give the state dict of {theirs} {name}, or the builder these weights belong to."
    return Fault("backbone.weights", words, reason, remedy)


def _check_finite(network: nn.Module, words: str) -> None:
    for key, value in network.state_dict().items():
        if value.device.type != "meta" and not bool(torch.isfinite(value).all()):
            remedy = "Use a file from before the training diverged, or other weights."
            fault = Fault("backbone.weights", words, f"{key} has infinite or NaN values", remedy)
            raise WeightsError(fault)
