"""Stratified splits whose test and validation sets do not move when the training set grows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tlx.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tlx.data.task import Split


def stratified_split(
    labels: ArrayLike,
    *,
    train_per_class: int | None,
    val_per_class: int,
    test_fraction: float,
    seed: int,
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
        val_end = test_end + val_per_class
        train_end = None if train_per_class is None else val_end + train_per_class
        test.append(order[:test_end])
        val.append(order[test_end:val_end])
        train.append(order[val_end:train_end])
    return _interleaved(train), _interleaved(val), _interleaved(test)


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
) -> list[Fault]:
    """Find what makes a split impossible, before any work.

    Args:
        class_sizes: Number of images of each class, by class name.
        train_per_class: Training images asked for per class; None asks for all that remain.
        val_per_class: Validation images asked for per class.
        test_fraction: Share of each class asked for as test set.
        seed: Seed of the split.

    Returns:
        One fault per impossible option, keyed `data.<option>`; empty where the split is possible.
    """
    faults = _range_faults(train_per_class, val_per_class, test_fraction, seed)
    if faults:
        return faults
    spare = {name: size - test_size(size, test_fraction) for name, size in class_sizes.items()}
    smallest = min(spare, key=lambda name: spare[name])
    most_val = spare[smallest] - 1
    if most_val < 1:
        reason = f"class {smallest!r} has {class_sizes[smallest]} images, too few are left to train"
        return [Fault("data.test_fraction", test_fraction, reason, "Use a smaller fraction.")]
    left = f"class {smallest!r} has {spare[smallest]} images beside its test images"
    if val_per_class > most_val:
        remedy = f"Use at most {most_val}, which leaves one to train on."
        return [Fault("data.val_per_class", val_per_class, left, remedy)]
    most_train = spare[smallest] - val_per_class
    if train_per_class is not None and train_per_class > most_train:
        reason = f"{left}, {val_per_class} of them for validation"
        remedy = f"Use at most {most_train}, or null for all that remain."
        return [Fault("data.train_per_class", train_per_class, reason, remedy)]
    return []


def task_fingerprint(train: Split, val: Split, test: Split) -> str:
    """Return the SHA-256 of all pixels, labels and sample ids of the splits, in order.

    Args:
        train: Training images.
        val: Validation images.
        test: Test images.

    Returns:
        64 hexadecimal digits; equal only where every split holds the same images in the same order.
    """
    digest = hashlib.sha256()
    for name, split in (("train", train), ("val", val), ("test", test)):
        digest.update(name.encode())
        for tensor in (split.images, split.labels, split.sample_ids):
            array = np.ascontiguousarray(tensor.cpu().numpy())
            little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{array.dtype.name}{array.shape}".encode())
            digest.update(little_endian.tobytes())
    return digest.hexdigest()


def _range_faults(
    train_per_class: int | None, val_per_class: int, test_fraction: float, seed: int
) -> list[Fault]:
    """Return one fault per option that no data set could satisfy."""
    faults = []
    if train_per_class is not None and train_per_class < 1:
        reason = "there must be at least one training image per class"
        remedy = "Use 1 or more, or null for all that remain."
        faults.append(Fault("data.train_per_class", train_per_class, reason, remedy))
    if val_per_class < 1:
        reason = "there must be at least one validation image per class"
        faults.append(Fault("data.val_per_class", val_per_class, reason, "Use 1 or more."))
    if not 0 < test_fraction < 1:
        reason = "the share of test images lies strictly between 0 and 1"
        faults.append(Fault("data.test_fraction", test_fraction, reason, "Use 0.5, for example."))
    if seed < 0:
        faults.append(Fault("data.seed", seed, "a seed is not negative", "Use 0 or more."))
    return faults


def _interleaved(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Join per-class positions round robin, so that a larger split starts with the smaller one."""
    ranks = np.concatenate([np.arange(len(part)) for part in parts])
    return np.concatenate(parts)[np.argsort(ranks, kind="stable")].astype(np.int64)
