"""Dealing the images of a data set out to training, validation and test, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tlx.data.shares import fold_faults, held_out_first, train_faults, train_size
from tlx.data.splits import interleaved, test_size
from tlx.errors import Fault

TRAIN: Final = 0
VAL: Final = 1
TEST: Final = 2
SPLIT_NAMES: Final = ("train", "val", "test")
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Splitting:
    """How images are dealt out, where the data set does not say it itself.

    Args:
        train_per_class: Training images per class; None takes all that remain.
        train_fraction: Share of the remaining images of each class to train on; None takes all.
        val_fraction: Share of each class for validation, where there are no validation images.
        test_fraction: Share of each class for the test, where there are no test images.
        folds: Number of parts for cross-validation; None deals out once.
        fold: Which part is held out, from 0.
        seed: Seed of the permutations.
    """

    train_per_class: int | None = None
    train_fraction: float | None = None
    val_fraction: float = 0.1
    test_fraction: float = 0.2
    folds: int | None = None
    fold: int | None = None
    seed: int = 0

    def faults(self, example: str = "image") -> list[Fault]:
        """Return what is wrong with the options, whatever the data.

        Args:
            example: What the data consist of.
        """
        faults = [*train_faults(self.train_per_class, self.train_fraction, example)]
        faults += fold_faults(self.folds, self.fold)
        for name in ("val_fraction", "test_fraction"):
            share = getattr(self, name)
            if not 0 < share < 1:
                reason = "a share lies strictly between 0 and 1"
                faults.append(Fault(f"data.{name}", share, reason, "Use 0.2, for example."))
        if self.seed < 0:
            faults.append(Fault("data.seed", self.seed, "a seed is not negative", "Use 0 or more."))
        return faults

    def class_faults(
        self,
        labels: Positions,
        given: NDArray[np.int8],
        class_names: Sequence[str],
        example: str = "image",
    ) -> list[Fault]:
        """Return what a data set's classes are too small for; `faults` must have found nothing.

        Args:
            labels: Class index of each image, shape (n,).
            given: `TRAIN`, `VAL` or `TEST` as the data set says, shape (n,).
            class_names: One per class.
            example: What the data consist of.
        """
        held = self._held(given)
        if isinstance(held, Fault):
            return [held]
        sizes = np.bincount(labels[given == TRAIN], minlength=len(class_names))
        smallest = int(sizes.argmin())
        size, name = int(sizes[smallest]), class_names[smallest]
        left = size - sum(self._counts(size, held))
        if self.folds is not None and size < self.folds:
            reason = f"class {name!r} has {size} {example}s to deal out"
            return [Fault("data.folds", self.folds, reason, f"Use at most {size}.")]
        if left < 1:
            reason = f"class {name!r} has {size} {example}s, too few to deal out"
            remedy = f"Add {example}s to it, or leave it out with data.classes."
            return [Fault("data.test_fraction", self.test_fraction, reason, remedy)]
        if self.train_per_class is not None and self.train_per_class > left:
            reason = f"class {name!r} has {left} {example}s to train on"
            remedy = f"Use at most {left}, or null for all."
            return [Fault("data.train_per_class", self.train_per_class, reason, remedy)]
        return []

    def positions(
        self, labels: Positions, given: NDArray[np.int8], numbers: Sequence[int] = ()
    ) -> tuple[Positions, ...]:
        """Return the positions of the training, validation and test images.

        What the data set calls validation or test stays so. Of the rest each class is permuted by
        the seed and dealt out: test first, then validation, then training, so that a growing
        training set adds images and moves none. With folds, the held-out part takes the place of
        the test images, or that of the validation images where the data set has a test set.

        Args:
            labels: Class index of each image, shape (n,).
            given: `TRAIN`, `VAL` or `TEST` as the data set says, shape (n,).
            numbers: Of each class, its index among all classes of the data set, where these are
                some of them: a class is dealt out alike, whichever others are chosen.
        """
        held = self._held(given)
        if isinstance(held, Fault):
            raise ValueError(str(held))
        dealt: tuple[list[Positions], ...] = ([], [], [])
        for label in np.unique(labels[given == TRAIN]):
            # One generator per class: the deal of a class does not depend on the other classes.
            number = numbers[label] if numbers else int(label)
            generator = np.random.default_rng([self.seed, number])
            order = generator.permutation(np.flatnonzero((labels == label) & (given == TRAIN)))
            for part, chosen in zip(dealt, self._class_parts(order, held), strict=True):
                part.append(chosen)
        for split in (VAL, TEST):
            if (given == split).any():
                dealt[split].append(np.flatnonzero(given == split))
        return tuple(interleaved(parts) for parts in dealt)

    def _held(self, given: NDArray[np.int8]) -> tuple[bool, bool] | Fault:
        """Return whether validation and whether test images are dealt out."""
        deals_val, deals_test = not (given == VAL).any(), not (given == TEST).any()
        if self.folds is not None and not (deals_val or deals_test):
            reason = "the data has validation and test images of its own, nothing is dealt out"
            return Fault("data.folds", self.folds, reason, "Leave it out.")
        return deals_val, deals_test

    def _counts(self, size: int, held: tuple[bool, bool]) -> tuple[int, int]:
        """Return how many images of a class go to validation and to the test."""
        deals_val, deals_test = held
        val = max(1, round(size * self.val_fraction)) if deals_val else 0
        test = test_size(size, self.test_fraction) if deals_test else 0
        if self.folds is not None:
            part = -(-size // self.folds)
            val, test = (val, part) if deals_test else (part, test)
        return val, test

    def _class_parts(
        self, order: Positions, held: tuple[bool, bool]
    ) -> tuple[Positions, Positions, Positions]:
        val_count, test_count = self._counts(len(order), held)
        if self.folds is not None and self.fold is not None:
            order, test_or_val = held_out_first(order, self.folds, self.fold)
            val_count, test_count = (
                (val_count, test_or_val) if held[1] else (test_or_val, test_count)
            )
        test, val = order[:test_count], order[test_count : test_count + val_count]
        rest = order[test_count + val_count :]
        return rest[: train_size(len(rest), self.train_per_class, self.train_fraction)], val, test
