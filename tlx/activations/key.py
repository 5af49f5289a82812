"""What activations depend on, and the key that follows from it.

Anything that changes the activations changes the key. Labels do not, nor does the head, nor what
the split is called: jobs share every split whose images are the same in the same order. Rounding
may differ with the number of threads and the kind of CPU or GPU; neither is part of the key.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1
"""Version of how entries are computed and laid out."""


@dataclass(frozen=True)
class Arithmetic:
    """Where and in which numbers a prefix computes.

    Args:
        device: Kind of device (`cpu`, `cuda`, `mps`).
        autocast: torch's name of the reduced type (`bfloat16`), empty for full precision.
        channels_last: Whether the network's weights are laid out channels last.
        matmul_precision: torch's setting for 32-bit matrix products.
        torch: torch's major and minor version.
        torchvision: torchvision's.
    """

    device: str
    autocast: str
    channels_last: bool
    matmul_precision: str
    torch: str
    torchvision: str


@dataclass(frozen=True)
class ActivationKey:
    """All that one split's activations at one cut depend on.

    Args:
        images: SHA-256 of the split's pixels, in order.
        backbone: The builder's name.
        cut: The last stage of the prefix.
        structure: SHA-256 of the prefix's operations and layers.
        weights: SHA-256 of the prefix's parameters and buffers.
        transforms: The input pipeline, as plain values.
        half_precision: Whether 32-bit activations are kept in 16 bits.
        arithmetic: Device and numbers.
        format: Version of the store.
    """

    images: str
    backbone: str
    cut: str
    structure: str
    weights: str
    transforms: dict[str, Any]
    half_precision: bool
    arithmetic: Arithmetic
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Return the key's parts as plain values."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """SHA-256 of all parts, in hexadecimal."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
