"""Stratified splits whose test and validation sets do not move when the training set grows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tlx.data.shares import fold_faults, held_out_first, train_faults, train_size
from tlx.data.task import Split, UnlabeledSplit
from tlx.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


FINGERPRINT_BLOCK = 1024


def stratified_split(
    labels: ArrayLike,
    *,
    train_per_class: int | None,
    val_per_class: int,
    test_fraction: float,
    seed: int,
    train_fraction: float | None = None,
    folds: int | None = None,
    fold: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Split image positions class by class into train, validation and test.

    Each class is permuted by the seed, then dealt out: test first, then validation, then
    training. Growing `train_per_class` therefore only adds training images; the test and
    validation sets stay the same. Within each split the order is again a fixed permutation.

    Args:
        labels: Class index of each image, shape (n,).
        train_per_class: Training images per class; None takes all that remain.
        val_per_class: Validation images per class.
        test_fraction: Share of each class that goes to the test set, rounded, at least one image.
        seed: Seed of the permutations; torch's global state plays no part.
        train_fraction: Share of each class's remaining images to train on; None takes all.
        folds: Parts for cross-validation, in the place of `test_fraction`; None deals out once.
        fold: Which part is the test set, from 0.

    Returns:
        Positions of the training, validation and test images, disjoint, int64.
    """
    label_array = np.asarray(labels)
    train, val, test = [], [], []
    for label in np.unique(label_array):
        # One generator per class: the deal of a class does not depend on the other classes.
        generator = np.random.default_rng([seed, int(label)])
        order = generator.permutation(np.flatnonzero(label_array == label))
        test_end = test_size(len(order), test_fraction)
        if folds is not None and fold is not None:
            order, test_end = held_out_first(order, folds, fold)
        val_end = test_end + val_per_class
        train_end = val_end + train_size(len(order) - val_end, train_per_class, train_fraction)
        test.append(order[:test_end])
        val.append(order[test_end:val_end])
        train.append(order[val_end:train_end])
    return interleaved(train), interleaved(val), interleaved(test)


def test_size(class_size: int, test_fraction: float) -> int:
    """Return how many of a class's images go to the test set: the share rounded, at least one."""
    return max(1, round(class_size * test_fraction))


def split_faults(
    class_sizes: Mapping[str, int],
    *,
    train_per_class: int | None,
    val_per_class: int,
    test_fraction: float,
    seed: int = 0,
    train_fraction: float | None = None,
    folds: int | None = None,
    fold: int | None = None,
) -> list[Fault]:
    """Find what makes a split impossible, before any work.

    Args:
        class_sizes: Number of images of each class, by class name.
        train_per_class: Training images asked for per class; None asks for all that remain.
        val_per_class: Validation images asked for per class.
        test_fraction: Share of each class asked for as test set.
        seed: Seed of the split.
        train_fraction: Share asked for of what remains to train on.
        folds: Parts asked for.
        fold: The part asked for.

    Returns:
        One fault per impossible option, keyed `data.<option>`; empty where the split is possible.
    """
    faults = [
        *train_faults(train_per_class, train_fraction),
        *_range_faults(val_per_class, test_fraction, seed),
        *fold_faults(folds, fold),
    ]
    if faults:
        return faults
    fault = _held_out_fault(class_sizes, test_fraction, folds)
    if fault is None:
        spare = _spare_images(class_sizes, test_fraction, folds)
        fault = _spare_fault(spare, train_per_class, val_per_class)
    return [] if fault is None else [fault]


def _held_out_fault(
    class_sizes: Mapping[str, int], test_fraction: float, folds: int | None
) -> Fault | None:
    """Return why the test set, or the folds, take more than the classes have."""
    fewest = min(class_sizes, key=lambda name: class_sizes[name])
    if folds is not None and folds > class_sizes[fewest]:
        reason = f"class {fewest!r} has {class_sizes[fewest]} images to deal out"
        return Fault("data.folds", folds, reason, f"Use at most {class_sizes[fewest]}.")
    spare = _spare_images(class_sizes, test_fraction, folds)
    smallest = min(spare, key=lambda name: spare[name])
    if spare[smallest] < 2:
        reason = f"class {smallest!r} has {class_sizes[smallest]} images, too few are left to train"
        return Fault("data.test_fraction", test_fraction, reason, "Use a smaller fraction.")
    return None


def _spare_images(
    class_sizes: Mapping[str, int], test_fraction: float, folds: int | None
) -> dict[str, int]:
    """Return how many images of each class are left beside its test images."""

    def held_out(size: int) -> int:
        return test_size(size, test_fraction) if folds is None else -(-size // folds)

    return {name: size - held_out(size) for name, size in class_sizes.items()}


def _spare_fault(
    spare: Mapping[str, int], train_per_class: int | None, val_per_class: int
) -> Fault | None:
    """Return why what is left beside the test images is too few for validation or training.

    Args:
        spare: How many images of each class are left, at least two.
        train_per_class: Training images asked for per class; None asks for all that remain.
        val_per_class: Validation images asked for per class.
    """
    smallest = min(spare, key=lambda name: spare[name])
    most_val, most_train = spare[smallest] - 1, spare[smallest] - val_per_class
    left = f"class {smallest!r} has {spare[smallest]} images beside its test images"
    if val_per_class > most_val:
        remedy = f"Use at most {most_val}, which leaves one to train on."
        return Fault("data.val_per_class", val_per_class, left, remedy)
    if train_per_class is not None and train_per_class > most_train:
        reason = f"{left}, {val_per_class} of them for validation"
        remedy = f"Use at most {most_train}, or null for all that remain."
        return Fault("data.train_per_class", train_per_class, reason, remedy)
    return None


def task_fingerprint(splits: Mapping[str, Split | UnlabeledSplit]) -> str:
    """Return the SHA-256 of all pixels, labels and sample ids of the splits, in order.

    Args:
        splits: By name.

    Returns:
        64 hexadecimal digits; equal only where every split holds the same images in the same order.
    """
    digest = hashlib.sha256()
    for name, split in splits.items():
        digest.update(name.encode())
        labels = [] if isinstance(split, UnlabeledSplit) else [split.labels]
        for tensor in (split.inputs, *labels, split.sample_ids):
            dtype = str(tensor.dtype).removeprefix("torch.")
            digest.update(f"{dtype}{tuple(tensor.shape)}".encode())
            # In blocks, since images may be on disk and more than the memory holds.
            for first in range(0, len(tensor), FINGERPRINT_BLOCK):
                block = tensor[first : first + FINGERPRINT_BLOCK]
                array = np.ascontiguousarray(block.cpu().numpy())
                digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()


def _range_faults(val_per_class: int, test_fraction: float, seed: int) -> list[Fault]:
    """Return one fault per option that no data set could satisfy."""
    faults = []
    if val_per_class < 1:
        reason = "there must be at least one validation image per class"
        faults.append(Fault("data.val_per_class", val_per_class, reason, "Use 1 or more."))
    if not 0 < test_fraction < 1:
        reason = "the share of test images lies strictly between 0 and 1"
        faults.append(Fault("data.test_fraction", test_fraction, reason, "Use 0.5, for example."))
    if seed < 0:
        faults.append(Fault("data.seed", seed, "a seed is not negative", "Use 0 or more."))
    return faults


def interleaved(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Join per-class positions round robin, so that a larger split starts with the smaller one."""
    if not parts:
        return np.empty(0, np.int64)
    ranks = np.concatenate([np.arange(len(part)) for part in parts])
    return np.concatenate(parts)[np.argsort(ranks, kind="stable")].astype(np.int64)
