"""Weights by name or path: the preprocessing that belongs to them, and early checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from torchvision.models import get_model_weights

from tlx.backbones.image_size import image_size_fault
from tlx.backbones.mlp.mlp_name import fits_weights_of, is_mlp, mlp_structure
from tlx.backbones.mlp.network import FeatureInput, input_pipeline
from tlx.backbones.preprocess import Preprocess
from tlx.backbones.weights.card import Card, read_card
from tlx.backbones.weights.card_bounds import card_bounds_reason
from tlx.backbones.weights.fitted_state import classes_in, fitted_state, image_size_in
from tlx.backbones.weights.fitting import load_network
from tlx.backbones.weights.read_weights import read_weights
from tlx.backbones.weights.sources import Kind, Source, WeightsError, builder_fault, resolve
from tlx.backbones.weights.state_files import WEIGHTS_KEY
from tlx.errors import Fault

TRANSFORMS_KEY: Final = "backbone.transforms"


def card_of(source: Source) -> Card | None:
    """Return the card of a source, or None where it has none."""
    if source.kind is not Kind.SAFETENSORS or source.path is None:
        return None
    return read_card(source.path)


def check_card(name: str, source: Source) -> None:
    """Check that a source's card, where it has one, is of this builder.

    Raises:
        WeightsError: If the weights belong to another builder, or the card speaks of sizes that
            cannot be meant.
    """
    card = card_of(source)
    if card is None:
        return
    odd = card_bounds_reason(
        card.num_classes, card.class_names, card.preprocess, number=card.target is not None
    )
    if odd is not None:
        remedy = "Export the model again, or save its tensors alone, without the card."
        raise WeightsError(
            Fault("backbone.weights", source.words, f"its card is damaged: {odd}", remedy)
        )
    if not fits_weights_of(name, card.backbone):
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
    weights_key: str | None = None,
) -> Preprocess:
    """Return the preprocessing that a backbone of these options would have, without building it.

    Args:
        name: A builder name.
        weights: See `resolve`.
        transforms: See `resolve_preprocess`.
        image_size: See `resolve_preprocess`.
        weights_key: See `read_weights`.

    Raises:
        WeightsError: Where `weights_faults` names a fault.
    """
    source = resolve(name, weights)
    bound_to = None
    if source.kind is not Kind.SCRATCH and transforms is None and _preprocess_of(source) is None:
        read = read_weights(name, source, shapes_only=True, weights_key=weights_key)
        bound_to = image_size_in(name, read.state)
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
        classes_in_file: How many the head has; None where the source has none.
    """
    key = "backbone.keep_head"
    if classes_in_file is None:
        what = "a network from scratch" if source.kind is Kind.SCRATCH else source.words
        return Fault(key, True, f"{what} has no head to keep", "Leave it out.")
    if num_classes is not None and num_classes != classes_in_file:
        reason = f"the head of {source.words} has {classes_in_file} classes, not {num_classes}"
        remedy = f"Use a task of {classes_in_file} classes, or keep_head=false."
        return Fault(key, True, reason, remedy)
    return None


def _no_file(weights_key: str) -> Fault:
    reason = "without weights there is no file in which it names something"
    return Fault(WEIGHTS_KEY, weights_key, reason, "Leave it out, or give backbone.weights.")


def head_in(name: str, source: Source, weights_key: str | None = None) -> int | None:
    """Return how many classes the head of a source has; None where it has none that fits.

    Args:
        name: A builder name.
        source: Where the weights come from.
        weights_key: Which of the file's networks to take.

    Raises:
        WeightsError: If the weights cannot be read, or do not fit.
    """
    read = read_weights(name, source, shapes_only=True, weights_key=weights_key)
    fitted = fitted_state(name, read.state, source.words)
    return classes_in(name, fitted.state) if fitted.has_head else None


def weights_faults(
    name: str,
    weights: str | None,
    *,
    transforms: str | None = None,
    image_size: int | None = None,
    weights_key: str | None = None,
) -> list[Fault]:
    """Return everything wrong with a backbone's options, before any work.

    Files are read only as far as names and shapes; torchvision weights that are not there yet are
    downloaded.

    Args:
        name: A builder name.
        weights: See `resolve`.
        transforms: See `resolve_preprocess`.
        image_size: Height and width of the input in pixels; None means the preprocessing's.
        weights_key: Which of the file's networks to take; None takes the only one.

    Returns:
        Faults with the keys `backbone.name`, `backbone.weights`, `backbone.weights_key`,
        `backbone.transforms` and `backbone.image_size`; empty when all is well.
    """
    fault = builder_fault(name)
    if fault is not None:
        return [fault]
    found = _Examined()
    try:
        _examine(found, name, weights, weights_key)
    except WeightsError as error:
        found.faults.append(error.fault)
    return [*found.faults, *_input_faults(name, found, transforms, image_size)]


@dataclass
class _Examined:
    """What is known of weights, as far as they could be read: the rest is checked with it."""

    source: Source = field(default_factory=lambda: Source(Kind.SCRATCH, "scratch"))
    bound_to: int | None = None
    faults: list[Fault] = field(default_factory=list)


def _examine(found: _Examined, name: str, weights: str | None, weights_key: str | None) -> None:
    """Read weights as names and shapes, and note what is known before each step that may fail.

    Raises:
        WeightsError: Where the weights cannot be found, read or loaded.
    """
    found.source = source = resolve(name, weights)
    check_card(name, source)
    if source.kind is not Kind.SCRATCH:
        read = read_weights(name, source, shapes_only=True, weights_key=weights_key)
        state = fitted_state(name, read.state, source.words).state
        found.bound_to = image_size_in(name, state)
        load_network(name, state, source.words, image_size=None)
    elif weights_key is not None:
        found.faults.append(_no_file(weights_key))


def _input_faults(
    name: str, found: _Examined, transforms: str | None, image_size: int | None
) -> list[Fault]:
    """Return why the network's input cannot be made as asked, or does not fit its weights."""
    try:
        preprocess = resolve_preprocess(
            name,
            found.source,
            transforms=transforms,
            image_size=image_size,
            bound_to=found.bound_to,
        )
    except WeightsError as error:
        # A broken card has been reported with the weights.
        return [error.fault] if error.fault.key == TRANSFORMS_KEY else []
    fault = image_size_fault(name, preprocess.crop_size, found.bound_to)
    return [] if fault is None else [fault]
