"""The digits task: scikit-learn's 1,797 handwritten digits, 8x8 pixels of 16 grey levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlx.data.splits import split_faults, stratified_split, task_fingerprint
from tlx.data.task import ImageTask, Split

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
    """

    train_per_class: int | None = 10
    val_per_class: int = 10
    test_fraction: float = 0.5
    seed: int = 0

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options; empty where `load` can run."""
        return split_faults(
            CLASS_SIZES,
            train_per_class=self.train_per_class,
            val_per_class=self.val_per_class,
            test_fraction=self.test_fraction,
            seed=self.seed,
        )

    def load(self) -> ImageTask:
        """Return the task; images have shape (n, 1, 8, 8), uint8."""
        from sklearn.datasets import load_digits

        images, targets = load_digits(return_X_y=True)
        parts = stratified_split(
            targets,
            train_per_class=self.train_per_class,
            val_per_class=self.val_per_class,
            test_fraction=self.test_fraction,
            seed=self.seed,
        )
        train, val, test = (_split(images, targets, positions) for positions in parts)
        fingerprint = task_fingerprint(train, val, test)
        return ImageTask("digits", tuple(CLASS_SIZES), train, val, test, fingerprint)


def _split(
    images: NDArray[np.float64], targets: NDArray[np.int64], positions: NDArray[np.int64]
) -> Split:
    """Return the images at some positions, scaled from 0..16 to 0..255."""
    import torch

    grey_levels = torch.from_numpy(images[positions].reshape(-1, 1, 8, 8))
    return Split(
        images=(grey_levels * (255 / 16)).round().to(torch.uint8),
        labels=torch.from_numpy(targets[positions].astype("int64")),
        sample_ids=torch.from_numpy(positions),
    )
