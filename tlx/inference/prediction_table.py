"""What is said of each image, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass
class Predictions:
    """What a model says of some rows, filled in as it says it.

    Args:
        first_row: Position of the first row in the input, from 0.
        names: The rows' paths as the input has them.
        class_names: One per class.

    Attributes:
        probabilities: Shape (rows, classes), float32; NaN where a row has an error.
        errors: Why a row has no prediction, by position within `names`.
    """

    first_row: int
    names: Sequence[str | None]
    class_names: tuple[str, ...]
    probabilities: NDArray[np.float32] = field(init=False)
    errors: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.names), len(self.class_names))
        self.probabilities = np.full(shape, np.nan, np.float32)

    def fill(self, places: Sequence[int], probabilities: NDArray[np.float32]) -> None:
        """Take the probabilities (n, classes) of the rows at n places."""
        self.probabilities[list(places)] = probabilities
        for place, row in zip(places, probabilities, strict=True):
            if not np.isfinite(row).all():
                self.errors[place] = "the model's prediction is not finite"

    def table(self) -> pa.Table:
        """Return one row per image: where it comes from, its class, how sure, or the error."""
        good = np.array([place not in self.errors for place in range(len(self.names))])
        certain = np.where(good[:, None], self.probabilities, -1.0)
        predicted = certain.argmax(axis=1)
        shown = [self.class_names[index] for index in predicted.tolist()]
        rows = np.arange(self.first_row, self.first_row + len(self.names))
        columns = [
            pa.array(rows, pa.int64()),
            pa.array([_writable(name) for name in self.names], pa.string()),
            pa.array(np.array(shown, dtype=object), pa.string(), mask=~good),
            pa.array(certain.max(axis=1).astype(np.float32), pa.float32(), mask=~good),
            *(
                pa.array(self.probabilities[:, index], pa.float32(), mask=~good)
                for index in range(len(self.class_names))
            ),
            pa.array([self.errors.get(place) for place in range(len(self.names))], pa.string()),
        ]
        return pa.Table.from_arrays(columns, schema=prediction_schema(self.class_names))


def prediction_schema(class_names: Sequence[str]) -> pa.Schema:
    """Return names and types of the columns of predictions.

    Args:
        class_names: One per class; each gets a column `p_<name>`.
    """
    return pa.schema(
        [
            ("row", pa.int64()),
            ("path", pa.string()),
            ("predicted", pa.string()),
            ("confidence", pa.float32()),
            *((f"p_{name}", pa.float32()) for name in class_names),
            ("error", pa.string()),
        ]
    )


def _writable(name: str | None) -> str | None:
    """Return a file's name in UTF-8, which the names of files need not be."""
    return None if name is None else name.encode(errors="surrogateescape").decode(errors="replace")
