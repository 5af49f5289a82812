from __future__ import annotations

import numpy as np
import pytest
import torch

from tlx.data.splits import split_faults, stratified_split, task_fingerprint
from tlx.data.task import Split, splits_of

LABELS = np.repeat([2, 0, 1], [40, 31, 50])


def deal(train_per_class: int | None, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return stratified_split(
        LABELS, train_per_class=train_per_class, val_per_class=4, test_fraction=0.5, seed=seed
    )


def test_stratified_split_counts_per_class_match_the_request() -> None:
    train, val, test = deal(3)
    assert np.bincount(LABELS[train]).tolist() == [3, 3, 3]
    assert np.bincount(LABELS[val]).tolist() == [4, 4, 4]
    assert np.bincount(LABELS[test]).tolist() == [round(31 / 2), 25, 20]


def test_stratified_split_all_remaining_covers_every_image_once() -> None:
    positions = np.concatenate(deal(None))
    assert sorted(positions.tolist()) == list(range(len(LABELS)))


def test_stratified_split_growing_training_set_is_nested_with_same_test_and_val() -> None:
    small, small_val, small_test = deal(2)
    for train_per_class in (5, None):
        large, val, test = deal(train_per_class)
        assert set(small.tolist()) < set(large.tolist())
        assert val.tolist() == small_val.tolist()
        assert test.tolist() == small_test.tolist()
    assert deal(5)[0][: len(small)].tolist() == small.tolist()


def test_stratified_split_seed_decides_the_deal_whatever_torch_does() -> None:
    torch.manual_seed(1)
    first = deal(3)
    torch.manual_seed(2)
    again, other = deal(3), deal(3, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[2], other[2])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"train_per_class": 0},
            "data.train_per_class=0: there must be at least one training image per class. "
            "Use 1 or more, or null for all that remain.",
        ),
        (
            {"train_per_class": 12},
            "data.train_per_class=12: class 'few' has 15 images beside its test images, "
            "4 of them for validation. Use at most 11, or null for all that remain.",
        ),
        (
            {"val_per_class": -1},
            "data.val_per_class=-1: there must be at least one validation image per class. "
            "Use 1 or more.",
        ),
        (
            {"val_per_class": 15},
            "data.val_per_class=15: class 'few' has 15 images beside its test images. "
            "Use at most 14, which leaves one to train on.",
        ),
        (
            {"test_fraction": 1.0},
            "data.test_fraction=1.0: the share of test images lies strictly between 0 and 1. "
            "Use 0.5, for example.",
        ),
        (
            {"test_fraction": 0.99},
            "data.test_fraction=0.99: class 'many' has 40 images, too few are left to train. "
            "Use a smaller fraction.",
        ),
        ({"seed": -3}, "data.seed=-3: a seed is not negative. Use 0 or more."),
    ],
)
def test_split_faults_impossible_option_says_why_and_what_is_possible(
    options: dict[str, float], expected: str
) -> None:
    asked = {"train_per_class": 5, "val_per_class": 4, "test_fraction": 0.5, "seed": 0} | options
    faults = split_faults({"many": 40, "few": 30}, **asked)  # type: ignore[arg-type]
    assert [str(fault) for fault in faults] == [expected]


def test_split_faults_most_it_names_can_be_dealt() -> None:
    sizes = {"few": 30}
    options = {"val_per_class": 4, "test_fraction": 0.5, "seed": 0}
    assert split_faults(sizes, train_per_class=11, **options) == []  # type: ignore[arg-type]
    train, _, _ = stratified_split(np.zeros(30), train_per_class=11, **options)  # type: ignore[arg-type]
    assert len(train) == 11


def test_task_fingerprint_changes_with_content_labels_ids_and_order() -> None:
    def split(offset: int = 0, label: int = 0, first_id: int = 0) -> Split:
        images = torch.arange(offset, offset + 8, dtype=torch.uint8).view(2, 1, 2, 2)
        return Split(images, torch.tensor([label, 1]), torch.tensor([first_id, 5]))

    def reversed_split() -> Split:
        base = split()
        return Split(base.inputs.flip(0), base.labels.flip(0), base.sample_ids.flip(0))

    def printed(*parts: Split) -> str:
        return task_fingerprint(splits_of(*parts))

    base = split()
    variants = [split(offset=1), split(label=2), split(first_id=3), reversed_split()]
    prints = {printed(base, base, base)}
    for variant in variants:
        prints |= {printed(variant, base, base), printed(base, base, variant)}
    assert len(prints) == 1 + 2 * len(variants)
    assert printed(split(), split(), split()) in prints
