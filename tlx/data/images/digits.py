"""The digits task: scikit-learn's 1,797 handwritten digits, 8x8 pixels of 16 grey levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tlx.data.class_choice import chosen_classes, class_faults
from tlx.data.source import Given
from tlx.data.splits import split_faults, stratified_split, task_fingerprint
from tlx.data.task import Split, Task, splits_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tlx.errors import Fault

# Images per class of `sklearn.datasets.load_digits`, so that faults are found without loading it.
CLASS_SIZES = {
    "0": 178,
    "1": 182,
    "2": 177,
    "3": 183,
    "4": 181,
    "5": 182,
    "6": 181,
    "7": 179,
    "8": 174,
    "9": 180,
}


@dataclass(frozen=True)
class Digits:
    """Handwritten digits from the UCI set "Optical Recognition of Handwritten Digits".

    The copy scikit-learn ships: the UCI test part, 32x32 bitmaps counted in 4x4 blocks, which
    gives 8x8 images with values 0 to 16 (Alpaydin and Kaynak, 1998,
    https://doi.org/10.24432/C50P49). Values are scaled to 0 to 255.

    Args:
        train_per_class: Training images per class; None takes all that remain.
        val_per_class: Validation images per class.
        test_fraction: Share of each class that goes to the test set.
        seed: Seed of the split.
        train_fraction: Share of each class's remaining images to train on; None takes all.
        classes: The digits to tell apart; None takes all ten.
        folds: Parts for cross-validation, in the place of `test_fraction`; None deals out once.
        fold: Which part is the test set, from 0.
    """

    gives: ClassVar[Given] = Given()

    train_per_class: int | None = 10
    val_per_class: int = 10
    test_fraction: float = 0.5
    seed: int = 0
    train_fraction: float | None = None
    classes: tuple[str | int, ...] | None = None
    folds: int | None = None
    fold: int | None = None

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options; empty where `load` can run."""
        faults = class_faults(self._names, self.classes)
        if faults:
            return faults
        sizes = {name: CLASS_SIZES[name] for name in chosen_classes(self._names, self.classes)}
        return split_faults(sizes, **self._deal)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(CLASS_SIZES)

    @property
    def _deal(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "classes"}

    def load(self) -> Task:
        """Return the task; images have shape (n, 1, 8, 8), uint8."""
        import numpy as np
        from sklearn.datasets import load_digits

        images, targets = load_digits(return_X_y=True)
        names = chosen_classes(self._names, self.classes)
        kept = np.flatnonzero(np.isin(targets, [int(name) for name in names]))
        # The deal of a class does not depend on which other classes are chosen.
        parts = [kept[positions] for positions in stratified_split(targets[kept], **self._deal)]
        labels = np.searchsorted([int(name) for name in names], targets)
        train, val, test = (_split(images, labels, positions) for positions in parts)
        splits = splits_of(train, val, test)
        fingerprint = task_fingerprint(splits)
        return Task("digits", names, splits, fingerprint)


def _split(
    images: NDArray[np.float64], targets: NDArray[np.int64], positions: NDArray[np.int64]
) -> Split:
    """Return the images at some positions, scaled from 0..16 to 0..255."""
    import torch

    grey_levels = torch.from_numpy(images[positions].reshape(-1, 1, 8, 8))
    return Split(
        inputs=(grey_levels * (255 / 16)).round().to(torch.uint8),
        labels=torch.from_numpy(targets[positions].astype("int64")),
        sample_ids=torch.from_numpy(positions),
    )
