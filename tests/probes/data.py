"""Features for the tests of the probes."""

from __future__ import annotations

import torch
from torch import Tensor


def blobs(
    images: int, width: int, classes: int, *, spread: float = 1.5, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return overlapping clusters of double-precision features around one centre per class.

    Features differ in scale and offset, as those of a network do.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(images) % classes
    centres = torch.randn(classes, width, generator=generator, dtype=torch.float64)
    noise = torch.randn(images, width, generator=generator, dtype=torch.float64)
    scale = torch.logspace(-2, 2, width, dtype=torch.float64)
    offset = torch.randn(width, generator=generator, dtype=torch.float64) * 3
    return (centres[labels] + spread * noise + offset) * scale, labels
