"""Weights by name or path: downloads, preprocessing that belongs to them, and early checks."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Final
from urllib.parse import urlparse

import torch
from torchvision.models import get_model_weights

from tlx.backbones.card import Card, read_card
from tlx.backbones.fitting import image_size_in, load_network
from tlx.backbones.image_size import image_size_fault
from tlx.backbones.kept_weights import any_kept, file_of, kept
from tlx.backbones.mlp import FeatureInput, input_pipeline
from tlx.backbones.mlp_name import fits_weights_of, is_mlp, mlp_structure
from tlx.backbones.preprocess import Preprocess
from tlx.backbones.sources import (
    Kind,
    Source,
    WeightsError,
    builder_fault,
    resolve,
    shipped_names,
)
from tlx.backbones.state_files import StateDict, read_state
from tlx.errors import Fault

TRANSFORMS_KEY: Final = "backbone.transforms"


def cached_file(source: Source) -> Path:
    """Return where torch.hub keeps (or would put) the file of torchvision weights."""
    if source.enum is None:
        raise ValueError(f"{source.words} are not torchvision's.")
    file_name = Path(urlparse(source.enum.url).path).name
    return Path(torch.hub.get_dir()) / "checkpoints" / file_name


def ensure_downloaded(source: Source) -> None:
    """Download torchvision weights that are not in torch.hub's folder yet.

    Sources of other kinds are left alone.

    Args:
        source: Where the weights come from.

    Raises:
        WeightsError: If the download fails; it says where the file would have to lie.
    """
    if source.enum is not None and not cached_file(source).is_file():
        _torchvision_state(source)


def _torchvision_state(source: Source) -> StateDict:
    """Return torchvision's state dict through torchvision's own loading code."""
    if source.enum is None:
        raise ValueError(f"{source.words} are not torchvision's.")
    file = cached_file(source)
    was_cached = file.is_file()
    try:
        state: StateDict = source.enum.get_state_dict(
            progress=True, check_hash=True, weights_only=True
        )
    except Exception as error:  # network, disk and pickle errors have no common base
        if was_cached:
            raise WeightsError(_damaged(source, file, error)) from error
        if isinstance(error, OSError | RuntimeError | http.client.HTTPException):
            raise WeightsError(_not_downloaded(source, file, error)) from error
        raise
    return state


def _damaged(source: Source, file: Path, error: Exception) -> Fault:
    reason = f"{file} cannot be read ({(str(error).splitlines() or [''])[0]})"
    remedy = "Delete the file and download it again, or copy a whole one there."
    return Fault("backbone.weights", source.words, reason, remedy)


def _not_downloaded(source: Source, file: Path, error: Exception) -> Fault:
    shipped = ", ".join(shipped_names())
    use_shipped = f"use a shipped model ({shipped}), " if shipped else ""
    reason = f"the download of {file.name} failed ({error})"
    remedy = (
        f"Offline, copy the file to {file}, give the path of a weights file, "
        f"{use_shipped}or train from scratch with weights=null."
    )
    return Fault("backbone.weights", source.words, reason, remedy)


def read_weights(source: Source, *, shapes_only: bool = False) -> StateDict:
    """Return the state dict of any source but scratch.

    Args:
        source: Where the weights come from.
        shapes_only: Return tensors on the meta device, reading as little as possible.

    Raises:
        WeightsError: If the weights cannot be downloaded or read.
    """
    found = None if shapes_only or not any_kept() else kept(file_of(source))
    if found is not None:
        return found
    if source.enum is None:
        return read_state(source, shapes_only=shapes_only)
    if not shapes_only:
        return _torchvision_state(source)
    ensure_downloaded(source)
    file = cached_file(source)
    return read_state(Source(Kind.STATE_DICT, source.words, path=file), shapes_only=True)


def card_of(source: Source) -> Card | None:
    """Return the card of a source, or None where it has none."""
    if source.kind is not Kind.SAFETENSORS or source.path is None:
        return None
    return read_card(source.path)


def check_card(name: str, source: Source) -> None:
    """Check that a source's card, where it has one, is of this builder.

    Raises:
        WeightsError: If the weights belong to another builder.
    """
    card = card_of(source)
    if card is not None and not fits_weights_of(name, card.backbone):
        reason = f"these weights are of {card.backbone}, not of {name}"
        remedy = f"{_choice_of(card.backbone)}, or other weights."
        raise WeightsError(Fault("backbone.weights", source.words, reason, remedy))


def _choice_of(name: str) -> str:
    structure = mlp_structure(name)
    if structure is None:
        return f"Use backbone.name={name}"
    hidden = ",".join(map(str, structure.hidden))
    return f"Use backbone=mlp backbone.hidden=[{hidden}] backbone.activation={structure.activation}"


def default_preprocess(name: str) -> Preprocess:
    """Return the preprocessing of a builder's DEFAULT torchvision weights."""
    return Preprocess.from_preset(get_model_weights(name).DEFAULT.transforms())


def _preprocess_of(source: Source) -> Preprocess | None:
    if source.enum is not None:
        return Preprocess.from_preset(source.enum.transforms())
    card = card_of(source)
    return None if card is None else input_pipeline(card.preprocess)


def says_preprocess(name: str, weights: str | None) -> bool:
    """Return whether weights tell how their images were preprocessed, as bare files do not.

    Raises:
        WeightsError: If there are no such weights.
    """
    return weights is not None and _preprocess_of(resolve(name, weights)) is not None


def _bare_preprocess(name: str, bound_to: int | None) -> Preprocess:
    """Return the preprocessing for weights that do not say theirs."""
    if is_mlp(name):
        return FeatureInput.of_width(bound_to or 1)
    default = default_preprocess(name)
    if bound_to is None or default.crop_size == bound_to:
        return default
    for entry in get_model_weights(name):
        preset = Preprocess.from_preset(entry.transforms())
        if preset.crop_size == bound_to:
            return preset
    return default.with_size(bound_to)


def resolve_preprocess(
    name: str,
    source: Source,
    *,
    transforms: str | None = None,
    image_size: int | None = None,
    bound_to: int | None = None,
) -> Preprocess:
    """Return the preprocessing to use with a source of weights.

    Args:
        name: A builder name.
        source: Where the weights come from.
        transforms: Name or path of weights whose preprocessing to use; None means the source's
            own (its card, torchvision's preset), or the builder's DEFAULT preset without one.
        image_size: Height and width of the input in pixels, instead of the preset's.
        bound_to: The image size that the weights are bound to, if any.

    Raises:
        WeightsError: If `transforms` is unknown or says nothing about preprocessing.
    """
    if transforms is None:
        preprocess = _preprocess_of(source) or _bare_preprocess(name, bound_to)
    else:
        asked = resolve(name, transforms, key=TRANSFORMS_KEY)
        found = _preprocess_of(asked)
        if found is None:
            reason = "this file has no card that says how its images were preprocessed"
            remedy = "Name torchvision weights (DEFAULT), a shipped model or a run folder."
            raise WeightsError(Fault(TRANSFORMS_KEY, transforms, reason, remedy))
        preprocess = found
    return preprocess if image_size is None else preprocess.with_size(image_size)


def input_pipeline_of(
    name: str,
    weights: str | None,
    *,
    transforms: str | None = None,
    image_size: int | None = None,
) -> Preprocess:
    """Return the preprocessing that a backbone of these options would have, without building it.

    Args:
        name: A builder name.
        weights: See `resolve`.
        transforms: See `resolve_preprocess`.
        image_size: See `resolve_preprocess`.

    Raises:
        WeightsError: Where `weights_faults` names a fault.
    """
    source = resolve(name, weights)
    bound_to = None
    if source.kind is not Kind.SCRATCH and transforms is None and _preprocess_of(source) is None:
        bound_to = image_size_in(name, read_weights(source, shapes_only=True))
    return resolve_preprocess(
        name, source, transforms=transforms, image_size=image_size, bound_to=bound_to
    )


def head_fault(
    source: Source, num_classes: int | None, classes_in_file: int | None
) -> Fault | None:
    """Return why the source's head cannot be kept, or None where it can.

    Args:
        source: Where the weights come from.
        num_classes: How many classes are asked for; None takes what there is.
        classes_in_file: How many the head has; None means scratch.
    """
    key = "backbone.keep_head"
    if classes_in_file is None:
        return Fault(key, True, "a network from scratch has no head to keep", "Leave it out.")
    if num_classes is not None and num_classes != classes_in_file:
        reason = f"the head of {source.words} has {classes_in_file} classes, not {num_classes}"
        remedy = f"Use a task of {classes_in_file} classes, or keep_head=false."
        return Fault(key, True, reason, remedy)
    return None


def weights_faults(
    name: str,
    weights: str | None,
    *,
    transforms: str | None = None,
    image_size: int | None = None,
) -> list[Fault]:
    """Return everything wrong with a backbone's options, before any work.

    Files are read only as far as names and shapes; torchvision weights that are not there yet are
    downloaded.

    Args:
        name: A builder name.
        weights: See `resolve`.
        transforms: See `resolve_preprocess`.
        image_size: Height and width of the input in pixels; None means the preprocessing's.

    Returns:
        Faults with the keys `backbone.name`, `backbone.weights`, `backbone.transforms` and
        `backbone.image_size`; empty when all is well.
    """
    fault = builder_fault(name)
    if fault is not None:
        return [fault]
    faults: list[Fault] = []
    source = Source(Kind.SCRATCH, "scratch")
    bound_to = None
    try:
        source = resolve(name, weights)
        check_card(name, source)
        if source.kind is not Kind.SCRATCH:
            state = read_weights(source, shapes_only=True)
            bound_to = image_size_in(name, state)
            load_network(name, state, source.words, image_size=None)
    except WeightsError as error:
        faults.append(error.fault)
    try:
        preprocess = resolve_preprocess(
            name,
            source,
            transforms=transforms,
            image_size=image_size,
            bound_to=bound_to,
        )
    except WeightsError as error:
        # A broken card has been reported above.
        return faults if error.fault.key != TRANSFORMS_KEY else [*faults, error.fault]
    size_fault = image_size_fault(name, preprocess.crop_size, bound_to)
    return faults if size_fault is None else [*faults, size_fault]
