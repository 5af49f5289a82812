"""Putting a state dict into a network, strictly, with errors that name what does not fit."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from tlx.backbones.construct import construct
from tlx.backbones.heads import auxiliary_paths, head_path
from tlx.backbones.nearest_head import nearest_head_in
from tlx.backbones.weights.expected import COUNTER, is_under
from tlx.backbones.weights.files.claims import shown
from tlx.backbones.weights.fitted_state import classes_in, image_size_in
from tlx.backbones.weights.sources import WeightsError
from tlx.backbones.weights.state_files import StateDict
from tlx.errors import Fault


def load_network(
    name: str,
    state: StateDict,
    words: str,
    *,
    image_size: int | None,
    transform_input: bool = True,
) -> nn.Module:
    """Build the network that a state dict belongs to, and load it strictly.

    The head has the number of classes of the state dict, or is its nearest-neighbour head; without
    one it is all zeros, for a new one to take its place. Auxiliary classifiers exist where the
    state dict has them. Floating-point tensors become float32.

    Args:
        name: A builder name.
        state: As `fitted_state` returns it; on the meta device it only checks the fit.
        words: What to call the weights in errors.
        image_size: Height and width in pixels, for networks that are bound to it.
        transform_input: See `construct`.

    Raises:
        WeightsError: If something does not fit after all, or values are not finite.
    """
    network = construct(
        name,
        classes_in(name, state),
        image_size=image_size_in(name, state) or image_size,
        transform_input=transform_input,
        auxiliary=any(is_under(key, *auxiliary_paths(name)) for key in state),
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
        reason = f"they do not fit {name}: {shown(' '.join(str(error).split()))}"
        remedy = f"Give the state dict of torchvision's {name}, or another file."
        raise WeightsError(Fault("backbone.weights", words, reason, remedy)) from error
    _check_finite(network, words)
    return network


def _prepared(name: str, network: nn.Module, state: StateDict) -> StateDict:
    """Return the state dict in the network's number types, with version metadata and a head."""
    own: dict[str, Tensor] = network.state_dict()
    prepared: StateDict = OrderedDict()
    ends: dict[int, int] = {}
    for key, value in state.items():
        converted = value.float() if value.is_floating_point() else value
        if key.endswith(COUNTER):
            converted = value.to(torch.int64)
        prepared[key] = _apart(converted, ends)
    head = head_path(name)
    if not any(is_under(key, head) for key in state):
        device = next(iter(state.values())).device
        shapes = {key: value.shape for key, value in own.items() if is_under(key, head)}
        prepared |= {key: torch.zeros(shape, device=device) for key, shape in shapes.items()}
    metadata = getattr(state, "_metadata", None) or _assumed_metadata(network, prepared)
    prepared._metadata = metadata  # type: ignore[attr-defined]
    return prepared


def _apart(value: Tensor, taken: dict[int, int]) -> Tensor:
    """Return a tensor that shares no numbers with those before it, nor with itself.

    The network takes the tensors as its own, and training one would change the other.

    Args:
        value: The tensor.
        taken: First and last address of those before it; the tensor's own are added.
    """
    if value.is_meta:
        return value
    whole = value.is_contiguous() or (
        value.dim() == 4 and value.is_contiguous(memory_format=torch.channels_last)
    )
    first, last = value.data_ptr(), value.data_ptr() + value.nbytes
    if not whole or any(first < end and start < last for start, end in taken.items()):
        return value.clone(memory_format=torch.contiguous_format)
    taken[first] = last
    return value


def _assumed_metadata(network: nn.Module, state: StateDict) -> dict[str, dict[str, int]]:
    """Return today's module versions, but old ones for batch norms without a counter.

    Files from before torch 0.4 have neither metadata nor counters; safetensors have no metadata.
    """
    own = network.state_dict()
    metadata = dict(getattr(own, "_metadata", {}))
    for key in own:
        module, _, attribute = key.rpartition(".")
        if attribute == COUNTER and key not in state:
            metadata[module] = {}
    return metadata


def _check_finite(network: nn.Module, words: str) -> None:
    for key, value in network.state_dict().items():
        if value.device.type != "meta" and not bool(torch.isfinite(value).all()):
            remedy = "Use a file from before the training diverged, or other weights."
            fault = Fault("backbone.weights", words, f"{key} has infinite or NaN values", remedy)
            raise WeightsError(fault)
