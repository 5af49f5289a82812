"""Rows of a table as numbers and categories, and what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.tables.assignment import assignment
from tlx.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CATEGORIES = 1000


@dataclass(frozen=True)
class Cells:
    """Some rows of a table.

    Args:
        numbers: float64, shape (n, numeric columns); NaN where missing, infinite as in the file.
        categories: Text or None where missing, dtype object, shape (n, categorical columns).
    """

    numbers: NDArray[np.float64]
    categories: NDArray[Any]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    def rows(self, positions: NDArray[Any]) -> Cells:
        """Return the rows at some positions, or those of a mask."""
        return Cells(self.numbers[positions], self.categories[positions])

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which rows lack a value, infinite ones included, shape (n,)."""
        no_number = ~np.isfinite(self.numbers).all(axis=1)
        empty = is_none(self.categories).any(axis=1)
        return np.asarray(no_number | empty, dtype=np.bool_)


def is_none(texts: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which entries are None, in the shape of the texts."""
    found: NDArray[np.bool_] = np.equal(texts, None, dtype=object).astype(bool)  # type: ignore[call-overload]
    return found


def missing_faults(cells: Cells, numeric: Sequence[str], categorical: Sequence[str]) -> list[Fault]:
    """Return a fault for each column that lacks values or has infinite ones."""
    remedy = "Choose data.missing=drop, mean, median or knn, or correct the table."
    faults = []
    for place, name in enumerate(numeric):
        column = cells.numbers[:, place]
        for what, found in (("missing", np.isnan(column)), ("infinite", np.isinf(column))):
            if found.any():
                faults.append(_lacking(name, what, found, remedy))
    for place, name in enumerate(categorical):
        found = is_none(cells.categories[:, place])
        if found.any():
            faults.append(_lacking(name, "missing", found, remedy))
    return faults


def _lacking(name: str, what: str, found: NDArray[np.bool_], remedy: str) -> Fault:
    count, row = int(found.sum()), int(found.argmax()) + 1
    values = "value" if count == 1 else "values"
    reason = f"column {name!r} has {count} {what} {values} (the first in row {row})"
    return Fault("data.missing", "error", reason, remedy)


def missing_counts(
    cells: Cells, numeric: Sequence[str], categorical: Sequence[str]
) -> dict[str, int]:
    """Return how many rows lack each column's value, of those that some lack."""
    lacking = np.concatenate([~np.isfinite(cells.numbers), is_none(cells.categories)], axis=1)
    counts = zip((*numeric, *categorical), lacking.sum(axis=0).tolist(), strict=True)
    return {name: int(count) for name, count in counts if count}


def category_faults(cells: Cells, categorical: Sequence[str]) -> list[Fault]:
    """Return a fault for each column with more categories than features are made of."""
    faults = []
    for place, name in enumerate(categorical):
        count = len({text for text in cells.categories[:, place] if text is not None})
        if count > MOST_CATEGORIES:
            reason = f"the column has {count} different values in {len(cells)} rows"
            remedy = f"Leave it out: {assignment('data.exclude', [name])}."
            faults.append(Fault("data.categorical", name, reason, remedy))
    return faults
