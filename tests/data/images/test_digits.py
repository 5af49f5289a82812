from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from tlx.data.images.digits import CLASS_SIZES, Digits


def test_class_sizes_match_the_data_set() -> None:
    targets = load_digits().target
    assert list(CLASS_SIZES.values()) == np.bincount(targets).tolist()


def test_digits_every_image_and_label_is_the_source_image_of_its_id() -> None:
    task = Digits(train_per_class=None).load()
    source = load_digits()
    for split in (task.train, task.val, task.test):
        ids = split.sample_ids.numpy()
        assert split.inputs.dtype == torch.uint8
        grey_levels = split.inputs[:, 0].numpy() / 255 * 16
        np.testing.assert_allclose(grey_levels, source.images[ids], atol=0.04)
        np.testing.assert_array_equal(split.labels.numpy(), source.target[ids])
    assert len(task.train) + len(task.val) + len(task.test) == 1797
    assert int(task.train.inputs.max()) == 255


def test_digits_default_has_ten_labels_per_class() -> None:
    task = Digits().load()
    assert task.class_names == tuple("0123456789")
    assert task.train.inputs.shape == (100, 1, 8, 8)
    assert torch.bincount(task.train.labels).tolist() == [10] * 10
    assert torch.bincount(task.val.labels).tolist() == [10] * 10
    assert len(task.test) == sum(round(size / 2) for size in CLASS_SIZES.values())


def test_digits_splits_are_disjoint_and_test_stays_when_training_grows() -> None:
    small, large = Digits(train_per_class=5).load(), Digits(train_per_class=50).load()
    assert torch.equal(small.test.sample_ids, large.test.sample_ids)
    assert torch.equal(large.train.sample_ids[:50], small.train.sample_ids)
    ids = torch.cat([large.train.sample_ids, large.val.sample_ids, large.test.sample_ids])
    assert len(set(ids.tolist())) == len(ids)


def test_digits_fingerprint_follows_seed_and_size() -> None:
    base = Digits().load().fingerprint
    assert base == Digits().load().fingerprint
    assert len({base, Digits(seed=1).load().fingerprint, Digits(5).load().fingerprint}) == 3


def test_digits_too_many_labels_names_the_smallest_class_and_the_most() -> None:
    assert [str(fault) for fault in Digits(train_per_class=100).faults()] == [
        "data.train_per_class=100: class '8' has 87 images beside its test images, "
        "10 of them for validation. Use at most 77, or null for all that remain."
    ]
    assert Digits(train_per_class=77).faults() == []
    assert len(Digits(train_per_class=77).load().train) == 770


def test_digits_of_some_classes_keep_their_images_and_get_labels_from_zero() -> None:
    whole, some = Digits().load(), Digits(classes=(9, "3")).load()
    assert some.class_names == ("3", "9")
    for all_split, split in ((whole.train, some.train), (whole.val, some.val)):
        chosen = (all_split.labels == 3) | (all_split.labels == 9)
        assert set(split.sample_ids.tolist()) == set(all_split.sample_ids[chosen].tolist())
    targets = load_digits().target[some.test.sample_ids.numpy()]
    assert np.array_equal(np.where(targets == 9, 1, 0), some.test.labels.numpy())


def test_digits_folds_test_every_image_once() -> None:
    tasks = [Digits(folds=5, fold=fold, train_per_class=None).load() for fold in range(5)]
    tested = torch.cat([task.test.sample_ids for task in tasks])
    assert sorted(tested.tolist()) == list(range(1797))
    for task in tasks:
        splits = (task.train, task.val, task.test)
        assert sum(map(len, splits)) == 1797
        assert torch.bincount(task.val.labels).tolist() == [10] * 10


def test_digits_train_fraction_takes_a_share_of_each_class() -> None:
    task = Digits(train_per_class=None, train_fraction=0.1).load()
    left = [size - round(size / 2) - 10 for size in CLASS_SIZES.values()]
    assert torch.bincount(task.train.labels).tolist() == [round(count * 0.1) for count in left]


def test_digits_options_that_cannot_be_say_why() -> None:
    def faults(**options: Any) -> list[str]:
        return [str(fault) for fault in Digits(**options).faults()]

    assert faults(classes=(3, 11)) == ["data.classes=11: there is no such class. Did you mean '1'?"]
    assert faults(classes=(3,)) == [
        "data.classes=['3']: one class alone leaves nothing to tell apart. "
        "Name two classes or more."
    ]
    assert faults(folds=3) == [
        "data.fold=None: 3 folds are 3 runs, each with its own data.fold. Run all of them with "
        "-m data.folds=3 'data.fold=range(3)', or one with data.fold=0 to 2."
    ]
    assert faults(folds=200, fold=0, train_per_class=None, val_per_class=1)[0].startswith(
        "data.folds=200: class '8' has 174 images to deal out."
    )
