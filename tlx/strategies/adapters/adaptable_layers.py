"""The layers of a network that low-rank matrices can be added to, and words for sets of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn
from torchvision.models.swin_transformer import ShiftedWindowAttention

from tlx.errors import did_you_mean
from tlx.strategies.adapters.adapted import is_within

READERS = (nn.MultiheadAttention, ShiftedWindowAttention)
"""Modules that read the weights of linear maps of theirs without calling these."""
WORDS = ("all", "attention", "convolution", "linear")
"""What stands for layers by their kind; other words are names and patterns of names."""


@dataclass(frozen=True)
class Layer:
    """A place for a low-rank matrix.

    Args:
        name: Qualified name of the module.
        tensor: The weight, of two dimensions or, of a convolution, four.
        called: Whether the layer is called; the weights of others are only read.
        kinds: Which of `WORDS` stand for it.
    """

    name: str
    tensor: str
    called: bool
    kinds: frozenset[str]


def adaptable_layers(network: nn.Module, head_path: str) -> dict[str, Layer]:
    """Return the layers before the head that a low-rank matrix can be added to, by name.

    They are linear maps, projections in attention, and convolutions, but for those in groups: a
    depthwise convolution has nothing of low rank to add.
    """
    found = {}
    for name, module in network.named_modules():
        if not name or is_within(name, head_path):
            continue
        holder = network.get_submodule(name.rpartition(".")[0])
        layer = _layer(name, module, holder)
        if layer is not None:
            found[name] = layer
    return found


def _layer(name: str, module: nn.Module, holder: nn.Module) -> Layer | None:
    if isinstance(module, nn.MultiheadAttention):
        if not module._qkv_same_embed_dim:
            return None
        return Layer(name, "in_proj_weight", False, frozenset({"all", "attention"}))
    if isinstance(module, nn.Conv2d):
        plain = module.groups == 1 and module.dilation == (1, 1) and module.padding_mode == "zeros"
        return Layer(name, "weight", True, frozenset({"all", "convolution"})) if plain else None
    if isinstance(module, nn.Linear):
        in_attention = "Attention" in type(holder).__name__
        kind = "attention" if in_attention else "linear"
        called = not isinstance(holder, READERS)
        return Layer(name, "weight", called, frozenset({"all", kind}))
    return None


def chosen_layers(layers: Mapping[str, Layer], target: str | Sequence[str]) -> list[Layer]:
    """Return the layers that a target stands for, in the network's order; unknown words none.

    Args:
        layers: All of them, by name.
        target: Words of `WORDS`, names of modules (which stand for all layers within), or
            patterns of names (`layer4.*.conv2`).
    """
    words = words_of(target)
    return [layer for layer in layers.values() if any(_stands_for(word, layer) for word in words)]


def words_of(target: str | Sequence[str]) -> list[str]:
    """Return the words of a target."""
    return [target] if isinstance(target, str) else list(target)


def _stands_for(word: str, layer: Layer) -> bool:
    if word in WORDS:
        return word in layer.kinds
    return fnmatchcase(layer.name, word) or fnmatchcase(layer.name, f"{word}.*")


def reason_and_remedy(
    layers: Mapping[str, Layer], target: str | Sequence[str], backbone_name: str
) -> tuple[str, str] | None:
    """Return why a target cannot be had, with what to write instead; None where it can."""
    for word in words_of(target):
        if any(_stands_for(word, layer) for layer in layers.values()):
            continue
        kinds = sorted({kind for layer in layers.values() for kind in layer.kinds})
        if word in WORDS:
            return f"{backbone_name} has no such layers", f"Choose from: {', '.join(kinds)}."
        reason = f"no layer of {backbone_name} that can be adapted is called {word!r}"
        return reason, did_you_mean(word, {*kinds, *layers, *_holders(layers)})
    if not words_of(target):
        return "no layer is named", "Use all, or name some."
    return None


def _holders(layers: Mapping[str, Layer]) -> set[str]:
    """Return the names of modules that hold layers."""
    parts = [name.split(".") for name in layers]
    return {".".join(p[:count]) for p in parts for count in range(1, len(p))}
