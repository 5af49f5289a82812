"""Model A: every torchvision classifier as ordered stages and a head, with its weights.

Importing this package does not import torch; its names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from tlx.backbones.names import BUILDER_NAMES, FAMILIES, family_of

if TYPE_CHECKING:
    from tlx.backbones.backbone import Backbone, build_backbone
    from tlx.backbones.cutting import cut_behind
    from tlx.backbones.heads import auxiliary_paths, head_path, replace_head
    from tlx.backbones.image_size import image_size_fault
    from tlx.backbones.preprocess import Preprocess
    from tlx.backbones.stages import Stage, find_stages
    from tlx.backbones.weights.card import Card, card_markdown, read_card, save_model
    from tlx.backbones.weights.downloads import ensure_downloaded
    from tlx.backbones.weights.fingerprint import state_fingerprint
    from tlx.backbones.weights.shipped_models import shipped_names
    from tlx.backbones.weights.sources import WeightsError, torchvision_weights
    from tlx.backbones.weights.weights import weights_faults

_HOMES: Final = {
    "Backbone": "backbone",
    "build_backbone": "backbone",
    "Card": "weights.card",
    "card_markdown": "weights.card",
    "read_card": "weights.card",
    "save_model": "weights.card",
    "state_fingerprint": "weights.fingerprint",
    "auxiliary_paths": "heads",
    "head_path": "heads",
    "replace_head": "heads",
    "image_size_fault": "image_size",
    "Preprocess": "preprocess",
    "WeightsError": "weights.sources",
    "shipped_names": "weights.shipped_models",
    "torchvision_weights": "weights.sources",
    "cut_behind": "cutting",
    "Stage": "stages",
    "find_stages": "stages",
    "ensure_downloaded": "weights.downloads",
    "weights_faults": "weights.weights",
}

__all__ = [
    "BUILDER_NAMES",
    "FAMILIES",
    "Backbone",
    "Card",
    "Preprocess",
    "Stage",
    "WeightsError",
    "auxiliary_paths",
    "build_backbone",
    "card_markdown",
    "cut_behind",
    "ensure_downloaded",
    "family_of",
    "find_stages",
    "head_path",
    "image_size_fault",
    "read_card",
    "replace_head",
    "save_model",
    "shipped_names",
    "state_fingerprint",
    "torchvision_weights",
    "weights_faults",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted(set(globals()) | set(__all__))
