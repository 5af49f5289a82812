"""Reading state dicts from files of all kinds, without executing any code they may hold."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from tlx.backbones.sources import Kind, Source, WeightsError
from tlx.errors import Fault

CHECKPOINT_PREFIX: Final = "backbone.network."
_NESTED_KEYS: Final = ("state_dict", "model")

StateDict = OrderedDict[str, Tensor]


def read_state(source: Source, *, shapes_only: bool = False) -> StateDict:
    """Return the tensors of a weights file, by torchvision's names.

    Args:
        source: A source with a path.
        shapes_only: Read no more than needed, and return tensors on the meta device.

    Returns:
        The tensors as stored, with torch's version metadata where the file has it.

    Raises:
        WeightsError: If the file cannot be read safely or holds no state dict.
    """
    if source.path is None:
        raise ValueError(f"{source.words} is no file.")
    if source.kind is Kind.SAFETENSORS:
        return _read_safetensors(source.path, source.words, shapes_only)
    content = _torch_load(source.path, source.words, shapes_only)
    state = _tensors_of(content, source.words)
    if shapes_only:
        return _renamed(state, {key: value.to("meta") for key, value in state.items()})
    return state


def _fault(words: str, reason: str, remedy: str) -> WeightsError:
    return WeightsError(Fault("backbone.weights", words, reason, remedy))


def _read_safetensors(path: Path, words: str, shapes_only: bool) -> StateDict:
    try:
        if not shapes_only:
            return OrderedDict(load_file(path))
        with safe_open(path, framework="pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        remedy = "Check that the file is whole; copy or export it again."
        raise _fault(words, f"it cannot be read as safetensors ({error})", remedy) from error
    return OrderedDict(
        (key, torch.empty(shape, device="meta")) for key, shape in sorted(shapes.items())
    )


def _torch_load(path: Path, words: str, mmap: bool) -> Any:
    try:
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
        except RuntimeError:
            if not mmap:
                raise
            # Files from before torch 1.6 cannot be mapped into memory.
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = "it holds Python objects besides tensors, or is no PyTorch file"
        remedy = (
            "Such a file could run code and is not loaded. "
            "Save the plain state dict: torch.save(network.state_dict(), path)."
        )
        raise _fault(words, reason, remedy) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        remedy = "Check that the file is whole; copy or save it again."
        raise _fault(words, f"it cannot be read ({_first_line(error)})", remedy) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _tensors_of(content: object, words: str) -> StateDict:
    """Find the state dict in what was read, and strip the prefix of a tlx checkpoint."""
    for key in _NESTED_KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    remedy = "Save the plain state dict: torch.save(network.state_dict(), path)."
    if not isinstance(content, Mapping):
        raise _fault(words, f"it holds a {type(content).__name__}, not a state dict", remedy)
    prefixed = [key for key in content if str(key).startswith(CHECKPOINT_PREFIX)]
    if prefixed:
        # The metadata's names carry the prefix too, so it is left behind.
        content = {key.removeprefix(CHECKPOINT_PREFIX): content[key] for key in prefixed}
    foreign = [key for key, value in content.items() if not isinstance(value, Tensor)]
    if foreign or not content:
        what = f"entries that are no tensors ({foreign[0]})" if foreign else "no tensors"
        raise _fault(words, f"it holds {what}", remedy)
    return _renamed(content, dict(content))


def _renamed(old: Mapping[str, Tensor], tensors: dict[str, Tensor]) -> StateDict:
    """Return an ordered dict with the old one's version metadata."""
    state: StateDict = OrderedDict(tensors)
    metadata = getattr(old, "_metadata", None)
    if metadata is not None:
        state._metadata = metadata  # type: ignore[attr-defined]
    return state
