from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tlx.data.splitting import TEST, TRAIN, VAL, Splitting

LABELS = np.repeat([0, 1, 2], [40, 30, 50])
NOTHING_GIVEN = np.zeros(120, np.int8)
CLASSES = ("few", "fewest", "many")


def given(val: int = 0, test: int = 0) -> np.ndarray:
    """Return splits in which the last images of class 2 are the data set's own."""
    splits = np.zeros(120, np.int8)
    splits[120 - val - test : 120 - test] = VAL
    splits[120 - test :] = TEST
    return splits


def counts(part: np.ndarray) -> list[int]:
    return np.bincount(LABELS[part], minlength=3).tolist()


def test_deal_by_fractions_is_stratified_and_covers_all() -> None:
    train, val, test = Splitting(val_fraction=0.1, test_fraction=0.2).positions(
        LABELS, NOTHING_GIVEN
    )
    assert counts(test) == [8, 6, 10]
    assert counts(val) == [4, 3, 5]
    assert counts(train) == [28, 21, 35]
    assert sorted(np.concatenate([train, val, test])) == list(range(120))


def test_deal_keeps_the_splits_that_are_given() -> None:
    train, val, test = Splitting().positions(LABELS, given(test=10))
    assert sorted(test) == list(range(110, 120))
    assert counts(val) == [4, 3, 4]
    assert counts(train) == [36, 27, 36]
    train, val, test = Splitting().positions(LABELS, given(val=5, test=10))
    assert sorted(val) == list(range(105, 110))
    assert counts(train) == [40, 30, 35]


def test_deal_of_fewer_training_images_moves_no_other() -> None:
    train, val, test = Splitting().positions(LABELS, NOTHING_GIVEN)
    for fewer, expected in (
        (Splitting(train_per_class=5), [5, 5, 5]),
        (Splitting(train_fraction=0.5), [14, 10, 18]),
    ):
        some, same_val, same_test = fewer.positions(LABELS, NOTHING_GIVEN)
        assert counts(some) == expected
        assert set(some) < set(train)
        assert np.array_equal(val, same_val)
        assert np.array_equal(test, same_test)


def test_deal_of_folds_tests_every_image_once() -> None:
    deals = [Splitting(folds=5, fold=fold).positions(LABELS, NOTHING_GIVEN) for fold in range(5)]
    assert sorted(np.concatenate([test for _, _, test in deals])) == list(range(120))
    for train, val, test in deals:
        assert counts(test) == [8, 6, 10]
        assert counts(val) == [4, 3, 5]
        assert sorted(np.concatenate([train, val, test])) == list(range(120))


def test_deal_of_folds_beside_a_given_test_set_validates_every_image_once() -> None:
    splits = given(test=10)
    deals = [Splitting(folds=4, fold=fold).positions(LABELS, splits) for fold in range(4)]
    assert sorted(np.concatenate([val for _, val, _ in deals])) == list(range(110))
    for train, val, test in deals:
        assert sorted(test) == list(range(110, 120))
        assert len(set(train) | set(val)) == 110


def test_deal_follows_from_the_seed() -> None:
    first, again = (Splitting(seed=3).positions(LABELS, NOTHING_GIVEN) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], Splitting(seed=4).positions(LABELS, NOTHING_GIVEN)[0])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"folds": 5},
            "data.fold=None: 5 folds are 5 runs, each with its own data.fold. Run all of them "
            "with -m data.folds=5 'data.fold=range(5)', or one with data.fold=0 to 4.",
        ),
        ({"folds": 5, "fold": 5}, "data.fold=5: there are 5 folds, counted from 0. Use 0 to 4."),
        ({"folds": 1, "fold": 0}, "data.folds=1: cross-validation takes two folds. Use 2 or more."),
        ({"fold": 2}, "data.fold=2: there are no folds. Give data.folds, 5 for example."),
        (
            {"train_fraction": 1.5},
            "data.train_fraction=1.5: the share of images to train on lies above 0 and up to 1. "
            "Use 0.1, for example, or null for all that remain.",
        ),
        (
            {"train_fraction": 0.5, "train_per_class": 3},
            "data.train_fraction=0.5: data.train_per_class=3 says how many there are already. "
            "Leave one of them out: data.train_per_class=null.",
        ),
        (
            {"val_fraction": 0},
            "data.val_fraction=0: a share lies strictly between 0 and 1. Use 0.2, for example.",
        ),
        ({"seed": -1}, "data.seed=-1: a seed is not negative. Use 0 or more."),
    ],
)
def test_deal_faults_say_what_to_write(options: dict[str, Any], text: str) -> None:
    assert [str(fault) for fault in Splitting(**options).faults()] == [text]


@pytest.mark.parametrize(
    ("options", "splits", "text"),
    [
        (
            {"train_per_class": 22},
            NOTHING_GIVEN,
            "data.train_per_class=22: class 'fewest' has 21 images to train on. "
            "Use at most 21, or null for all.",
        ),
        (
            {"folds": 31, "fold": 0},
            NOTHING_GIVEN,
            "data.folds=31: class 'fewest' has 30 images to deal out. Use at most 30.",
        ),
        (
            {"test_fraction": 0.95},
            NOTHING_GIVEN,
            "data.test_fraction=0.95: class 'fewest' has 30 images, too few to deal out. "
            "Add images to it, or leave it out with data.classes.",
        ),
        (
            {"folds": 5, "fold": 0},
            given(val=5, test=5),
            "data.folds=5: the data has validation and test images of its own, nothing is dealt "
            "out. Leave it out.",
        ),
    ],
)
def test_deal_class_faults_name_the_class_and_the_most(
    options: dict[str, Any], splits: np.ndarray, text: str
) -> None:
    assert [str(f) for f in Splitting(**options).class_faults(LABELS, splits, CLASSES)] == [text]


def test_deal_of_the_most_that_is_offered_can_be_dealt() -> None:
    splitting = Splitting(train_per_class=21)
    assert splitting.class_faults(LABELS, NOTHING_GIVEN, CLASSES) == []
    assert counts(splitting.positions(LABELS, NOTHING_GIVEN)[TRAIN]) == [21, 21, 21]
