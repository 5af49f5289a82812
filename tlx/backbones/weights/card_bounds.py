"""Whether a card's values can be meant: it may come from anybody, and sizes take memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from torchvision.transforms import InterpolationMode

from tlx.backbones.preprocess import Preprocess
from tlx.backbones.weights.files.claims import shown

MAX_SIDE: Final = 8192
"""Pixels of an input's side; torchvision's largest weights ask for 518."""
_SIDES: Final = ("resize_size", "crop_size")
_CHANNELS: Final = ("mean", "std")
_FLAGS: Final = ("antialias", "squash")


def card_bounds_reason(
    num_classes: int, class_names: tuple[str, ...], preprocess: Mapping[str, Any], *, number: bool
) -> str | None:
    """Return what of a card cannot be meant, or None where all can.

    Args:
        num_classes: Outputs that it speaks of.
        class_names: Names of the outputs.
        preprocess: The input pipeline.
        number: Whether the output is a number and no class.
    """
    if not number and len(class_names) != num_classes:
        return f"it speaks of {num_classes} classes and names {len(class_names)}"
    return _pipeline_reason(preprocess)


def _pipeline_reason(values: Mapping[str, Any]) -> str | None:
    if "features" in values:
        return None if _is_count(values["features"]) else "its number of features is no count"
    known = {item.name for item in fields(Preprocess)}
    odd = sorted((values.keys() - known) | ({*_SIDES, *_CHANNELS} - values.keys()))
    if odd:
        return f"its input pipeline lacks {shown(odd[0])}, or has it and should not"
    for key in _SIDES:
        if not _is_count(values[key]) or values[key] > MAX_SIDE:
            return f"its {key} is no size from 1 to {MAX_SIDE} pixels"
    for key in _CHANNELS:
        if not _are_three_numbers(values[key]) or (key == "std" and 0 in values[key]):
            return f"its {key} is not one finite number per channel"
    if values.get("interpolation", "bilinear") not in [mode.value for mode in InterpolationMode]:
        return "its interpolation is unknown"
    flags = [key for key in _FLAGS if not isinstance(values.get(key, True), bool)]
    return f"its {flags[0]} is neither on nor off" if flags else None


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _are_three_numbers(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == 3
        and all(isinstance(v, int | float) and math.isfinite(v) for v in values)
    )
