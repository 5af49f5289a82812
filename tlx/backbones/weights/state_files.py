"""Reading a network's tensors from files of all kinds, without executing any code they hold."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from tlx.backbones.names import family_of
from tlx.backbones.weights.expected import expected_tensors, needed_names
from tlx.backbones.weights.files.claims import UnreadableError, shown
from tlx.backbones.weights.files.readings import Reading, distinct, readings_of
from tlx.backbones.weights.files.weights_file import WeightsFile, open_weights
from tlx.backbones.weights.sources import WeightsError
from tlx.errors import Fault, did_you_mean

WEIGHTS_KEY: Final = "backbone.weights_key"
_WHOLE: Final = "Check that the file is whole; copy or save it again."
_FREE_SHAPES: Final = {"vit": "encoder.pos_embedding", "mlp": "hidden1.weight"}
"""The tensor of a family whose shape follows from the size of its input."""
# torchvision's own pattern for the DenseNet files made before module names lost their dots.
_OLD_DENSENET: Final = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$"
)

StateDict = OrderedDict[str, Tensor]


@dataclass(frozen=True)
class FileState:
    """What was read from a file.

    Args:
        state: Tensors by the network's names, with torch's version metadata where the file has it.
        notes: What was done to get at them, in words.
    """

    state: StateDict
    notes: tuple[str, ...] = ()


def read_state(
    name: str,
    path: Path,
    words: str,
    *,
    shapes_only: bool = False,
    weights_key: str | None = None,
) -> FileState:
    """Return the tensors of a builder's network from a weights file.

    They may lie inside mappings (`state_dict`, `model_ema`) and behind a prefix (`module.`). Where
    exactly one such reading has all that the stages need, it is taken. Where none has, the one that
    has most is returned, for the caller to say what does not fit.

    Args:
        name: A builder name.
        path: The file.
        words: What to call it before people.
        shapes_only: Read names and shapes alone, and return tensors on the meta device.
        weights_key: Which reading to take; None takes the only one.

    Raises:
        WeightsError: If the file cannot be read safely, holds no state dict, or several.
    """
    try:
        file = open_weights(path)
        reading = _chosen(name, file, words, weights_key)
        return FileState(_state(file, reading, shapes_only), tuple(reading.notes()))
    except UnreadableError as error:
        remedy = error.remedy or _WHOLE
        raise WeightsError(Fault("backbone.weights", words, error.reason, remedy)) from error


def _chosen(name: str, file: WeightsFile, words: str, weights_key: str | None) -> Reading:
    readings = readings_of(file.claims, needed_names(name), _renaming(name))
    whole = distinct([reading for reading in readings if _fits(name, reading)])
    if weights_key is not None:
        return _asked(name, whole or readings, words, weights_key)
    if len(whole) > 1:
        labels = [shown(reading.label) for reading in whole]
        reason = f"it holds several networks that fit {name}: {', '.join(labels)}"
        remedy = f"Say which: {' or '.join(f'{WEIGHTS_KEY}={label}' for label in labels)}."
        raise WeightsError(Fault("backbone.weights", words, reason, remedy))
    return whole[0] if whole else readings[0]


def _asked(name: str, readings: list[Reading], words: str, weights_key: str) -> Reading:
    """Return the reading that is called so, or the only one within what is called so."""
    exact = [reading for reading in readings if reading.label == weights_key]
    within = exact or [r for r in readings if r.label.startswith(f"{weights_key}.")]
    if len(within) == 1:
        return within[0]
    labels = [shown(reading.label) for reading in within or readings]
    count = "several networks" if within else "nothing"
    reason = f"{words} holds {count} of {name} under this name"
    raise WeightsError(Fault(WEIGHTS_KEY, weights_key, reason, did_you_mean(weights_key, labels)))


def _fits(name: str, reading: Reading) -> bool:
    """Return whether a reading has every tensor of the stages, in its shape."""
    own = expected_tensors(name)
    free = _FREE_SHAPES.get(family_of(name))
    return all(
        key in reading.tensors
        and (reading.tensors[key].shape == tuple(own[key].shape) or key == free)
        for key in needed_names(name)
    )


def _renaming(name: str) -> Callable[[str], str]:
    if family_of(name) != "densenet":
        return lambda key: key
    return lambda key: "".join(match.groups()) if (match := _OLD_DENSENET.match(key)) else key


def _state(file: WeightsFile, reading: Reading, shapes_only: bool) -> StateDict:
    if shapes_only:
        state: StateDict = OrderedDict((k, c.on_meta()) for k, c in reading.tensors.items())
    else:
        state = _loaded(file.load(), reading)
    if reading.metadata is not None:
        state._metadata = dict(reading.metadata)  # type: ignore[attr-defined]
    return state


def _loaded(content: Any, reading: Reading) -> StateDict:
    """Return the tensors of a reading, which must be what the file claimed."""
    for key in reading.path:
        content = content[key]
    state: StateDict = OrderedDict()
    for name, key in reading.keys.items():
        value = content[key]
        claim = reading.tensors[name]
        dense = isinstance(value, Tensor) and value.layout == torch.strided
        if not dense or (tuple(value.shape), value.dtype) != (claim.shape, claim.dtype):
            raise UnreadableError(f"its {shown(key)} is not what the file says it is")
        state[name] = value.detach()
    return state
