"""Activations of the store as tensors, read where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tlx.activations.locks import Lease
from tlx.activations.manifest import Manifest
from tlx.activations.parts import map_part
from tlx.activations.store import Entry

JOINED_BYTES = 64_000_000
"""Parts of so many bytes together are copied into one tensor, which answers an index faster."""


class MappedRows:
    """The rows of several memory-mapped parts, indexed like one tensor.

    Args:
        parts: Tensors (n, ...), all but the last of the same length.
    """

    def __init__(self, parts: Sequence[Tensor]) -> None:
        self._parts = tuple(parts)
        self._rows_per_part = len(parts[0])
        self._rows = sum(len(part) for part in parts)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    @property
    def shape(self) -> torch.Size:
        """The shape of all rows together."""
        return torch.Size((self._rows, *self._parts[0].shape[1:]))

    def __getitem__(self, index: int | slice | Tensor) -> Tensor:
        """Return one row (...), or a copy of the rows (n, ...) of a slice or an index tensor."""
        if isinstance(index, int):
            row = range(self._rows)[index]
            return self._parts[row // self._rows_per_part][row % self._rows_per_part]
        if isinstance(index, slice):
            index = torch.arange(self._rows)[index]
        return self._gathered(torch.where(index < 0, index + self._rows, index))

    def _gathered(self, index: Tensor) -> Tensor:
        first = self._parts[0]
        rows = first.new_empty((len(index), *first.shape[1:]))
        part_of = index // self._rows_per_part
        for number in sorted(set(part_of.tolist())):
            chosen = part_of == number
            rows[chosen] = self._parts[number][index[chosen] % self._rows_per_part]
        return rows


@dataclass(frozen=True)
class StoredActivations:
    """One split's activations at a cut, complete and checked, in use until `release` is called.

    Args:
        manifest: Their layout.
        parts: Memory-mapped tensors (n, ...), without a copy.
        computed_parts: How many of them this process computed just now.
        lease: Keeps them from being pruned.
    """

    manifest: Manifest
    parts: tuple[Tensor, ...]
    computed_parts: int
    lease: Lease

    @cached_property
    def rows(self) -> Tensor | MappedRows:
        """The activations (n, ...), without a copy if they are large: as one, or seen as one."""
        if len(self.parts) == 1:
            return self.parts[0]
        is_small = self.manifest.bytes <= JOINED_BYTES
        return torch.cat(self.parts) if is_small else MappedRows(self.parts)

    @property
    def dtype(self) -> torch.dtype:
        """The type in which the activations were computed, which the tail is to get."""
        found: torch.dtype = getattr(torch, self.manifest.dtype)
        return found

    def tensor(self) -> Tensor:
        """Return the activations (n, ...) as the tail wants them.

        Without a copy where they are one part of the type in which they were computed.
        """
        rows = self.parts[0] if len(self.parts) == 1 else torch.cat(self.parts)
        rows = rows.to(self.dtype)
        if self.manifest.channels_last:
            rows = rows.contiguous(memory_format=torch.channels_last)
        return rows

    def release(self) -> None:
        """Let the activations be pruned; tensors read from them stay valid."""
        self.lease.close()


def read(entry: Entry, manifest: Manifest, lease: Lease, computed_parts: int) -> StoredActivations:
    """Map a complete entry."""
    parts = tuple(_tensor(entry, manifest, index) for index in range(manifest.parts))
    return StoredActivations(manifest, parts, computed_parts, lease)


def _tensor(entry: Entry, manifest: Manifest, index: int) -> Tensor:
    values = torch.from_numpy(map_part(entry.folder, index))
    return values.view(torch.bfloat16) if manifest.dtype == "bfloat16" else values
