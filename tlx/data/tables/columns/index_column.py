"""Columns that only number the rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_IN_ORDER: Final = 3
FEWEST_SHUFFLED: Final = 20
_UNNAMED: Final = re.compile(r"Unnamed: \d+(\.\d+)?|__index_level_\d+__")


def index_reason(name: str, numbers: NDArray[np.float64] | None) -> str:
    """Return why a column only numbers the rows; empty where it does not.

    Args:
        name: The column.
        numbers: Its numbers, shape (n,); None where it holds none.
    """
    if _UNNAMED.fullmatch(name):
        return "it has no name, as an index that was written along has none"
    if numbers is None or len(numbers) < FEWEST_IN_ORDER or not np.isfinite(numbers).all():
        return ""
    first = numbers.min()
    if first not in (0, 1):
        return ""
    count = np.arange(len(numbers)) + first
    last = f"{first:.0f} to {count[-1]:.0f}"
    if np.array_equal(numbers, count):
        return f"it numbers the rows ({last})"
    if len(numbers) >= FEWEST_SHUFFLED and np.array_equal(np.sort(numbers), count):
        return f"it numbers the rows in another order ({last})"
    return ""


def rises_with_rows(numbers: NDArray[np.float64]) -> bool:
    """Return whether whole numbers grow from each row to the next, as an index of some rows does.

    Args:
        numbers: Shape (n,).
    """
    whole = len(numbers) >= FEWEST_SHUFFLED and bool(np.isfinite(numbers).all())
    return whole and bool((numbers == np.floor(numbers)).all() and (np.diff(numbers) > 0).all())
