"""A task in memory: images or features, what is to be predicted, and the three splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Split:
    """The images of one split.

    Args:
        images: uint8 pixels, shape (n, channels, height, width); channels is 1 or 3. Of a table,
            float32 features, shape (n, features).
        labels: int64 class indices, shape (n,). Of a regression, the numbers as they are trained
            on, float32.
        sample_ids: int64 position of each image in its source data set, shape (n,).
    """

    images: Tensor
    labels: Tensor
    sample_ids: Tensor

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class NumberTarget:
    """A number that is to be predicted, and its scale in training: `(number - centre) / scale`.

    Args:
        name: What it is called.
        centre: In the number's own units.
        scale: In the number's own units, above 0.
    """

    name: str
    centre: float = 0.0
    scale: float = 1.0

    def scaled(self, numbers: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return numbers (n,) as they are trained on."""
        scaled: NDArray[np.float32] = ((numbers - self.centre) / self.scale).astype("float32")
        return scaled

    def in_own_units(self, scaled: Tensor) -> Tensor:
        """Return trained or predicted values (n,) in the number's own units, float64."""
        return scaled.double() * self.scale + self.centre


@dataclass(frozen=True)
class ImageTask:
    """A task: the classes, or the number, to predict, and the images to learn and judge by.

    Args:
        name: The task's name (`digits`).
        class_names: One name per class index; none where a number is to be predicted.
        train: Images to learn from.
        val: Images to choose epochs and settings by.
        test: Images to report on, once.
        fingerprint: SHA-256 over content, labels and order of all splits, in hexadecimal.
        about: Where the images come from, as plain values for the record.
        files: What a run keeps of the task in its folder: plain values by the name of a JSON file.
        number: The number to predict; None where classes are.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    fingerprint: str
    about: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    number: NumberTarget | None = None

    @property
    def outputs(self) -> int:
        """How many outputs a network for the task has."""
        return len(self.class_names) if self.number is None else 1
