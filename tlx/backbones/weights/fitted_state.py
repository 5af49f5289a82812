"""Which tensors of a file a network takes, and what of the file is left out."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from torch import Tensor

from tlx.backbones.heads import auxiliary_paths, head_path
from tlx.backbones.mlp.mlp_name import is_mlp
from tlx.backbones.mlp.network import features_in
from tlx.backbones.names import family_of
from tlx.backbones.weights.expected import (
    COUNTER,
    IMAGENET_CLASSES,
    expected_tensors,
    is_under,
    needed_names,
)
from tlx.backbones.weights.files.claims import shown
from tlx.backbones.weights.nearest_builder import nearest_builder
from tlx.backbones.weights.sources import WeightsError
from tlx.backbones.weights.state_files import StateDict
from tlx.errors import Fault

SHOWN_KEYS: Final = 3
_VIT_POSITIONS: Final = "encoder.pos_embedding"


@dataclass(frozen=True)
class FittedState:
    """A state dict that holds what a network needs and nothing else.

    Args:
        state: Tensors by the network's names; the head's are missing where it has none.
        has_head: Whether the file brings an output layer that fits the network.
        notes: What was left out, in words.
    """

    state: StateDict
    has_head: bool
    notes: tuple[str, ...] = ()


def classes_in(name: str, state: Mapping[str, Tensor]) -> int:
    """Return how many classes the head in a state dict has (1000 where there is no head)."""
    head = head_path(name)
    per_class = state.get(f"{head}.weight", state.get(f"{head}.class_counts"))
    return IMAGENET_CLASSES if per_class is None else int(per_class.shape[0])


def image_size_in(name: str, state: Mapping[str, Tensor]) -> int | None:
    """Return the image size in pixels that a state dict is bound to, or None where it is not.

    Only ViT is bound: its position embedding has one entry per patch and one for the class. An
    MLP is bound to its number of features.
    """
    if is_mlp(name):
        return features_in(state)
    positions = state.get(_VIT_POSITIONS)
    patches = state.get("conv_proj.weight")
    if family_of(name) != "vit" or positions is None or patches is None:
        return None
    if len(positions.shape) != 3 or positions.shape[1] < 2:
        return None
    side = math.isqrt(int(positions.shape[1]) - 1)
    return side * int(patches.shape[-1])


def fitted_state(name: str, state: StateDict, words: str) -> FittedState:
    """Return what a network takes of a state dict.

    Names that the network has no place for are left out where they lie beside it (a projection
    head, a loss's own weights). Within its stages they mean another architecture. A head that does
    not fit is left out as well.

    Args:
        name: A builder name.
        state: Tensors by torchvision's names, perhaps on the meta device.
        words: What to call the weights in errors.

    Raises:
        WeightsError: If stages lack tensors, have more than the network, or other shapes or types.
    """
    size = image_size_in(name, state)
    own = expected_tensors(name, image_size=size)
    head, extra = head_path(name), auxiliary_paths(name)
    has_head = _has_head(name, state, own)
    auxiliary = _auxiliary_in(name, state, has_head)
    taken = {key: value for key, value in state.items() if key in needed_names(name)}
    taken |= {key: v for key, v in state.items() if key in own and key.endswith(COUNTER)}
    taken |= {key: value for key, value in state.items() if has_head and is_under(key, head)}
    taken |= {key: value for key, value in state.items() if auxiliary and is_under(key, *extra)}
    left = [key for key in state if key not in taken]
    modules = {key.partition(".")[0] for key in own} - {head.partition(".")[0], *extra}
    inside = [key for key in left if key.partition(".")[0] in modules]
    faults = _misfits(name, taken, own, inside, left)
    if faults:
        raise WeightsError(_misfit_fault(name, state, words, faults))
    ordered: StateDict = OrderedDict((key, taken[key]) for key in state if key in taken)
    metadata = getattr(state, "_metadata", None)
    if metadata is not None:
        ordered._metadata = metadata  # type: ignore[attr-defined]
    return FittedState(ordered, has_head, tuple(_notes(name, has_head, left)))


def _has_head(name: str, state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> bool:
    """Return whether a file has a last layer like the builder's, or a nearest-neighbour one."""
    head = head_path(name)
    given = {key: value for key, value in state.items() if is_under(key, head)}
    if f"{head}.train_features" in given:
        return True
    expected = {key: value for key, value in own.items() if is_under(key, head)}
    return given.keys() == expected.keys() and all(
        len(given[key].shape) == len(value.shape)
        and given[key].shape[1:] == value.shape[1:]
        and given[key].shape[0] == given[f"{head}.weight"].shape[0]
        and given[key].is_floating_point()
        for key, value in expected.items()
    )


def _auxiliary_in(name: str, state: Mapping[str, Tensor], has_head: bool) -> bool:
    """Return whether a file has the builder's auxiliary classifiers, whole and beside its head."""
    paths = auxiliary_paths(name)
    if not has_head or not any(is_under(key, *paths) for key in state):
        return False
    own = expected_tensors(name, classes_in(name, state), auxiliary=True)
    return all(
        key in state and state[key].shape == value.shape
        for key, value in own.items()
        if is_under(key, *paths) and not key.endswith(COUNTER)
    ) and all(key in own for key in state if is_under(key, *paths))


def _misfits(
    name: str,
    taken: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    inside: list[str],
    left: list[str],
) -> list[str]:
    missing = [key for key in own if key in needed_names(name) and key not in taken]
    reshaped = [
        f"{key} is {tuple(taken[key].shape)}, should be {tuple(value.shape)}"
        for key, value in own.items()
        if key in taken and key in needed_names(name) and taken[key].shape != value.shape
    ]
    mistyped = [
        f"{key} holds {str(value.dtype).removeprefix('torch.')}"
        for key, value in taken.items()
        if key in own and not _fits_type(key, value, own[key])
    ]
    unexpected = left if missing or reshaped or inside else []
    parts = [f"{len(missing)} missing keys ({some(missing)})"] if missing else []
    parts += [f"{len(unexpected)} unexpected keys ({some(unexpected)})"] if unexpected else []
    parts += [f"{len(reshaped)} of another shape ({some(reshaped)})"] if reshaped else []
    parts += [f"{len(mistyped)} of another type of numbers ({some(mistyped)})"] if mistyped else []
    return parts


def _fits_type(key: str, value: Tensor, own: Tensor) -> bool:
    if own.is_floating_point():
        return value.is_floating_point()
    return not value.is_complex() and (not value.is_floating_point() or key.endswith(COUNTER))


def some(keys: Iterable[str]) -> str:
    """Return the first few of many names, and how many more there are."""
    names = [shown(key) for key in keys]
    more = f", and {len(names) - SHOWN_KEYS} more" if len(names) > SHOWN_KEYS else ""
    return ", ".join(names[:SHOWN_KEYS]) + more


def _misfit_fault(name: str, state: StateDict, words: str, parts: list[str]) -> Fault:
    reason = f"they do not fit {name}: {'; '.join(parts)}"
    theirs = "an" if is_mlp(name) else "torchvision's"
    remedy = f"Give the state dict of {theirs} {name}, or the builder these weights belong to."
    nearest = nearest_builder(name, state)
    if nearest is not None:
        remedy = f"They fit {nearest}: use backbone={nearest}, or weights of {name}."
    return Fault("backbone.weights", words, reason, remedy)


def _notes(name: str, has_head: bool, left: list[str]) -> list[str]:
    head = head_path(name)
    top = head.partition(".")[0]
    theirs = [key for key in left if is_under(key, top)]
    beside = [key for key in left if key not in theirs]
    notes = []
    if not has_head:
        notes.append(f"without an output layer of {name}'s kind ({head})")
    if theirs:
        notes.append(f"{_tensors(theirs)} of their own head left out ({some(theirs)})")
    if beside:
        notes.append(f"{_tensors(beside)} with no place in {name} left out ({some(beside)})")
    return notes


def _tensors(keys: list[str]) -> str:
    return "1 tensor" if len(keys) == 1 else f"{len(keys)} tensors"
