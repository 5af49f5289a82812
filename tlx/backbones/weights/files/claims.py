"""What a file of weights claims to hold: shapes over stored numbers, which may not be there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

SHOWN_LENGTH: Final = 80
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


class UnreadableError(Exception):
    """A file that cannot be used as weights: the reason, and the remedy where it is a special one.

    Args:
        reason: Why, to stand behind `backbone.weights=FILE: `.
        remedy: What to do; None where the file may be damaged or no weights at all.
    """

    def __init__(self, reason: str, remedy: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True)
class StorageClaim:
    """A run of numbers that tensors are views of.

    Args:
        key: Its name in the file.
        nbytes: How many bytes it is said to have.
    """

    key: str
    nbytes: int


@dataclass(frozen=True)
class TensorClaim:
    """A dense tensor as a file describes it.

    Args:
        shape: Its shape.
        dtype: Its numbers' type.
        storage: What it is a view of; None where it has its own bytes (safetensors).
        offset: Index of its first element in the storage.
        stride: Steps between elements, in elements.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    storage: StorageClaim | None = None
    offset: int = 0
    stride: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of its elements, were each stored once."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def end(self) -> int:
        """How many bytes of the storage it reaches to."""
        if 0 in self.shape:
            return self.offset * self.dtype.itemsize
        steps = zip(self.shape, self.stride, strict=True)
        last = self.offset + sum((size - 1) * step for size, step in steps)
        return (last + 1) * self.dtype.itemsize

    def on_meta(self) -> Tensor:
        """Return a tensor of this shape and type without memory."""
        return torch.empty(self.shape, dtype=self.dtype, device="meta")


@dataclass(frozen=True)
class OtherClaim:
    """Something that is no dense tensor and no plain value.

    Args:
        what: What it is (`sparse tensor`, `argparse.Namespace`).
        is_tensor: Whether it is a tensor of another kind.
    """

    what: str
    is_tensor: bool = False


class ClaimedDict(dict[Any, Any]):
    """A mapping in a file, with the version metadata that torch's state dicts carry.

    Attributes:
        metadata: `_metadata` of a state dict; None where it has none.
    """

    metadata: Mapping[Any, Any] | None = None


def check_claim(claim: TensorClaim) -> None:
    """Check that a tensor has the bytes that its shape needs.

    Raises:
        UnreadableError: If it claims more than its storage has.
    """
    if claim.storage is None:
        return
    stored = claim.storage.nbytes
    if claim.nbytes > stored or claim.end > stored:
        shape = " x ".join(map(str, claim.shape)) or "scalar"
        raise UnreadableError(
            f"one of its tensors ({shape}, {str(claim.dtype).removeprefix('torch.')}) claims "
            f"{in_words(max(claim.nbytes, claim.end))}, and the file stores {in_words(stored)} "
            "for it",
            "Such a tensor would fill the memory and is not read. An expanded tensor is saved "
            "whole by tensor.clone(memory_format=torch.contiguous_format).",
        )


def in_words(count: int) -> str:
    """Return a number of bytes for people: `4 bytes`, `4.0 TB`."""
    size, unit = float(count), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{count} {_UNITS[0]}" if unit == 0 else f"{size:,.1f} {_UNITS[unit]}"


def shown(name: object) -> str:
    """Return a name out of a file so that it can stand in a line of text."""
    text = str(name)[: SHOWN_LENGTH + 1]
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 3]}..."
