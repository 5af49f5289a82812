"""Images that stay on disk until they are asked for."""

from __future__ import annotations

import os
from typing import cast

import torch
from torch import Tensor

MEMORY_SHARE = 0.5
"""How much of the memory that is free now the images of a task may take."""


class MappedImages:
    """Some rows of a memory-mapped array of images, indexed like a tensor.

    Args:
        images: uint8 pixels of all images, shape (n, channels, h, w), not in memory.
        rows: Positions of the images that this is about, int64.
    """

    def __init__(self, images: Tensor, rows: Tensor) -> None:
        self._images = images
        self._rows = rows

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    @property
    def shape(self) -> torch.Size:
        """Shape of the images together."""
        return torch.Size((len(self._rows), *self._images.shape[1:]))

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self._images.ndim

    @property
    def dtype(self) -> torch.dtype:
        """Type of a pixel."""
        return self._images.dtype

    @property
    def nbytes(self) -> int:
        """What they take of the memory: nothing that counts."""
        return self._rows.nbytes

    def __getitem__(self, index: int | slice | Tensor) -> Tensor:
        """Return an image, or a copy of several, in memory."""
        return self._images[self._rows[index]]


def rows_of(images: Tensor, rows: Tensor, *, in_memory: bool) -> Tensor:
    """Return some images of a memory-mapped array.

    Args:
        images: uint8 pixels, shape (n, channels, h, w).
        rows: Positions, int64.
        in_memory: Whether to copy them; else they are read from disk whenever they are used.
    """
    if in_memory:
        return images[rows]
    # It answers an index as a tensor does, which is all that batches ask of images.
    return cast(Tensor, MappedImages(images, rows))


def fits_in_memory(size_bytes: int) -> bool:
    """Return whether so much may be held in memory, going by what is free now."""
    return size_bytes <= MEMORY_SHARE * _free_bytes()


def _free_bytes() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123 - no ordinary file
            found = dict(line.split(":", 1) for line in lines)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
