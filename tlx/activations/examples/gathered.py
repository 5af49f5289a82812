"""Rows that lie in several places, indexed like one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from tlx.activations.stored import MappedRows


class GatheredRows:
    """Rows of several sources in an order of their own; what is asked for is copied.

    Args:
        sources: Tensors (m, ...), or what answers an index as they do.
        source_of: Which source each row is in, int64, shape (n,).
        row_of: Where it stands there, int64, shape (n,).
    """

    def __init__(
        self, sources: Sequence[Tensor | MappedRows], source_of: Tensor, row_of: Tensor
    ) -> None:
        self._sources = tuple(sources)
        self._source_of = source_of
        self._row_of = row_of

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._row_of)

    @property
    def shape(self) -> torch.Size:
        """The shape of all rows together."""
        return torch.Size((len(self), *self._sources[0].shape[1:]))

    def __getitem__(self, index: int | slice | Tensor) -> Tensor:
        """Return one row (...), or a copy of the rows (n, ...) of a slice or an index tensor."""
        source_of, row_of = self._source_of[index], self._row_of[index]
        if source_of.ndim == 0:
            return self._sources[int(source_of)][int(row_of)]
        first = self._sources[0][0]
        rows = first.new_empty((len(row_of), *first.shape))
        for number in sorted(set(source_of.tolist())):
            chosen = source_of == number
            rows[chosen] = self._sources[number][row_of[chosen]]
        return rows
