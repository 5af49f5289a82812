"""A task in memory: what is to be predicted, and named splits of images or rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from tlx.errors import TlxError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

TARGET: Final = "target"
"""The domain of what is to be predicted, unless a split says another."""


@dataclass(frozen=True)
class UnlabeledSplit:
    """Images or rows without labels: what a method may not see is not there.

    Args:
        inputs: uint8 pixels, shape (n, channels, height, width); channels is 1 or 3. Of a table,
            float32 features, shape (n, features).
        sample_ids: int64 position of each input in its source data set, shape (n,).
        domain: Where they come from.
    """

    inputs: Tensor
    sample_ids: Tensor
    domain: str = TARGET

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.sample_ids)


@dataclass(frozen=True)
class Split:
    """Images or rows with their labels.

    Args:
        inputs: uint8 pixels, shape (n, channels, height, width); channels is 1 or 3. Of a table,
            float32 features, shape (n, features).
        labels: int64 class indices, shape (n,). Of a regression, the numbers as they are trained
            on, float32.
        sample_ids: int64 position of each input in its source data set, shape (n,).
        domain: Where they come from.
    """

    inputs: Tensor
    labels: Tensor
    sample_ids: Tensor
    domain: str = TARGET

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.labels)

    def without_labels(self) -> UnlabeledSplit:
        """Return the same inputs, for a method that may not see their labels."""
        return UnlabeledSplit(self.inputs, self.sample_ids, self.domain)


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
class Task:
    """A task: the classes, or the number, to predict, and the splits of its data.

    Args:
        name: The task's name (`digits`).
        class_names: One name per class index; none where a number is to be predicted.
        splits: By name. `train` is learned from, `val` chooses epochs and settings, and `test`,
            where there is one, is reported on, once; these three are the target's and have labels.
            Others, such as `source` or `unlabeled`, are for methods that ask for them.
        fingerprint: SHA-256 over content, labels and order of all splits, in hexadecimal.
        about: Where the inputs come from, as plain values for the record.
        files: What a run keeps of the task in its folder: plain values by the name of a JSON file.
        number: The number to predict; None where classes are.
    """

    name: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Split | UnlabeledSplit]
    fingerprint: str
    about: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    number: NumberTarget | None = None

    @property
    def train(self) -> Split:
        """What is learned from."""
        return self.labeled("train")

    @property
    def val(self) -> Split:
        """What epochs and settings are chosen by."""
        return self.labeled("val")

    @property
    def test(self) -> Split:
        """What is reported on, once."""
        return self.labeled("test")

    @property
    def scored(self) -> dict[str, Split]:
        """What a finished fit is scored on, by name: `val`, and `test` where there is one."""
        return {name: self.labeled(name) for name in ("val", "test") if name in self.splits}

    @property
    def outputs(self) -> int:
        """How many outputs a network for the task has."""
        return len(self.class_names) if self.number is None else 1

    def split(self, name: str) -> Split | UnlabeledSplit:
        """Return a split by name, with or without labels.

        Raises:
            TlxError: Where the task has none of this name.
        """
        if name not in self.splits:
            raise TlxError(f"task {self.name} has no split {name!r}; it has {self._names()}")
        return self.splits[name]

    def labeled(self, name: str) -> Split:
        """Return a split that has labels.

        Raises:
            TlxError: Where the task has none of this name, or not its labels.
        """
        found = self.split(name)
        if isinstance(found, UnlabeledSplit):
            raise TlxError(f"split {name!r} of task {self.name} has no labels, by construction")
        return found

    def with_splits(self, **splits: Split | UnlabeledSplit) -> Self:
        """Return the same task with some splits put in the place of others, or beside them."""
        return replace(self, splits={**self.splits, **splits})

    def _names(self) -> str:
        return ", ".join(self.splits) or "none"


def splits_of(train: Split, val: Split, test: Split) -> dict[str, Split | UnlabeledSplit]:
    """Return the three splits that most tasks have, by name."""
    return {"train": train, "val": val, "test": test}
