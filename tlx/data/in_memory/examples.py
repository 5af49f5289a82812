"""Examples as a program gives them, and what they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["rows", "pixels", "files"]


@dataclass(frozen=True, eq=False, repr=False)
class Examples:
    """Inputs and what is to be learned of them.

    Args:
        inputs: Finite numbers, float64, shape (n, columns); or uint8 pixels, shape (n, channels,
            h, w), channels 1 or 3; or the paths of n image files.
        targets: int64 class indices, or float64 numbers, shape (n,).
        class_names: One per class; none where the targets are numbers.
        columns: Names of the columns of numbers.
        are_named: Whether the program named the columns, or they are only counted.
        target_name: What a number to predict is called.
    """

    inputs: NDArray[Any] | tuple[Path, ...]
    targets: NDArray[Any]
    class_names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    are_named: bool = False
    target_name: str = "y"

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.targets)

    @property
    def kind(self) -> Kind:
        """What the inputs are."""
        if isinstance(self.inputs, tuple):
            return "files"
        return "pixels" if self.inputs.dtype == np.uint8 else "rows"

    @property
    def strata(self) -> NDArray[np.int64]:
        """The groups that are dealt out one by one: the classes, or all together, shape (n,)."""
        return self.targets if self.class_names else np.zeros(len(self), np.int64)
