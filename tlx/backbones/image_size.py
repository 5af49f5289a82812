"""Which image sizes a network can take, found by running it without memory."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

from tlx.backbones.construct import construct
from tlx.backbones.mlp.mlp_name import is_mlp, width_fault
from tlx.backbones.names import family_of
from tlx.errors import Fault

# Every convolutional network of torchvision runs at this size and above.
ALWAYS_LARGE_ENOUGH: Final = 224
MAXVIT_STEP: Final = 224
_VIT_PATCHES: Final = {"vit_b_16": 16, "vit_b_32": 32, "vit_h_14": 14, "vit_l_16": 16}
_VIT_PATCH_DEFAULT: Final = 32


def without_batch_norm(network: nn.Module) -> nn.Module:
    """Replace batch norms by identities, in place: same shapes, and far faster on meta.

    Args:
        network: A throw-away network.
    """
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return network


def _runs(network: nn.Module, size: int) -> bool:
    try:
        network(torch.empty(1, 3, size, size, device="meta"))
    except (RuntimeError, AssertionError, ValueError):
        return False
    return True


def _smallest(network: nn.Module, too_small: int) -> int:
    """Return the smallest size that runs, by bisection."""
    low, high = too_small, ALWAYS_LARGE_ENOUGH
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _runs(network, middle) else (middle, high)
    return high


def image_size_fault(name: str, size: int, bound_to: int | None = None) -> Fault | None:
    """Return why a network cannot take images of this size, or None where it can.

    Args:
        name: A builder name.
        size: Height and width of the network's input, in pixels.
        bound_to: The size that the weights are bound to (ViT), where there are weights.
    """
    if is_mlp(name):
        return width_fault(size, bound_to) if bound_to not in (None, size) else None
    family = family_of(name)
    if size < 1:
        return _fault(size, "an image has at least one pixel", "Give a size in pixels.")
    if bound_to is not None and size != bound_to:
        reason = f"the position embedding of these {name} weights is for {bound_to} pixels"
        return _fault(size, reason, f"Use image_size={bound_to}, or weights=null for another size.")
    if family == "vit":
        return _step_fault(name, size, _VIT_PATCHES.get(name, _VIT_PATCH_DEFAULT))
    if family == "maxvit":
        return _step_fault(name, size, MAXVIT_STEP)
    if size >= ALWAYS_LARGE_ENOUGH:
        return None
    network = without_batch_norm(construct(name, 2, auxiliary=False, meta=True)).to("meta").eval()
    if _runs(network, size):
        return None
    smallest = _smallest(network, size)
    reason = f"{name} shrinks images of this size to nothing"
    return _fault(size, reason, f"Use image_size={smallest} or more.")


def _step_fault(name: str, size: int, step: int) -> Fault | None:
    if size % step == 0:
        return None
    reason = f"{name} needs a multiple of {step} pixels"
    near = max(step, round(size / step) * step)
    return _fault(size, reason, f"Use image_size={near}, for example.")


def _fault(size: int, reason: str, remedy: str) -> Fault:
    return Fault("backbone.image_size", size, reason, remedy)
