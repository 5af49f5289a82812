"""What an example is known by: the SHA-256 of its own type, shape and bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

HASH_BYTES = 32
_BLOCK = 1024


def example_hashes(examples: Tensor) -> NDArray[np.uint8]:
    """Return the hash of each image or row, wherever it stands among the others.

    Args:
        examples: Shape (n, ...), in memory or on disk.

    Returns:
        Shape (n, 32).
    """
    start = f"{examples.dtype}|{tuple(examples.shape[1:])}|".encode()
    found = bytearray()
    for first in range(0, len(examples), _BLOCK):
        block = np.ascontiguousarray(examples[first : first + _BLOCK].cpu().numpy())
        for one in block:
            found += hashlib.sha256(start + one.tobytes()).digest()
    return np.frombuffer(bytes(found), np.uint8).reshape(-1, HASH_BYTES)


def hash_of_hashes(hashes: NDArray[np.uint8]) -> str:
    """Return one SHA-256, in hexadecimal, for examples in order.

    Args:
        hashes: Shape (n, 32).
    """
    return hashlib.sha256(b"examples|" + np.ascontiguousarray(hashes).tobytes()).hexdigest()
