"""What is predicted of each row where that is a number, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NUMBER_SCHEMA: Final = pa.schema(
    [("row", pa.int64()), ("predicted", pa.float64()), ("error", pa.string())]
)


@dataclass
class NumberAnswers:
    """Predicted numbers, filled in as the model gives them.

    Args:
        count: How many rows there are.
        first_row: Position of the first one in the input, from 0.

    Attributes:
        predicted: float64, shape (rows,), in the target's own units; NaN where a row has none.
        errors: Why a row has no number, by its position.
    """

    count: int
    first_row: int = 0
    predicted: NDArray[np.float64] = field(init=False)
    errors: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.predicted = np.full(self.count, np.nan)

    def fill(self, places: Sequence[int], predicted: NDArray[np.float64]) -> None:
        """Take the numbers (n,) of the rows at n places."""
        self.predicted[list(places)] = predicted
        for place, number in zip(places, predicted.tolist(), strict=True):
            if not np.isfinite(number):
                self.errors[place] = "the model's prediction is not finite"

    def table(self) -> pa.Table:
        """Return one row per row of the input: the number, or the error."""
        lacks = np.array([place in self.errors for place in range(self.count)], dtype=bool)
        columns = [
            pa.array(np.arange(self.count) + self.first_row, pa.int64()),
            pa.array(self.predicted, pa.float64(), mask=lacks),
            pa.array([self.errors.get(place) for place in range(self.count)], pa.string()),
        ]
        return pa.Table.from_arrays(columns, schema=NUMBER_SCHEMA)
