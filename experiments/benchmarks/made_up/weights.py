"""A weights file as a user would have it: torchvision's state dict, here of fresh weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torchvision.models import get_model

CLASSES = 1000


def write_weights(name: str, path: Path, seed: int = 0) -> Path:
    """Write the state dict of a torchvision builder with fresh weights, and return its path.

    Args:
        name: The builder (`resnet18`).
        path: The file (`.pth`).
        seed: The weights follow from it.
    """
    torch.manual_seed(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(get_model(name, weights=None, num_classes=CLASSES).state_dict(), path)
    return path
