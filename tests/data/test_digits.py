from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from tlx.data.digits import CLASS_SIZES, Digits


def test_class_sizes_match_the_data_set() -> None:
    targets = load_digits().target
    assert list(CLASS_SIZES.values()) == np.bincount(targets).tolist()


def test_digits_every_image_and_label_is_the_source_image_of_its_id() -> None:
    task = Digits(train_per_class=None).load()
    source = load_digits()
    for split in (task.train, task.val, task.test):
        ids = split.sample_ids.numpy()
        assert split.images.dtype == torch.uint8
        grey_levels = split.images[:, 0].numpy() / 255 * 16
        np.testing.assert_allclose(grey_levels, source.images[ids], atol=0.04)
        np.testing.assert_array_equal(split.labels.numpy(), source.target[ids])
    assert len(task.train) + len(task.val) + len(task.test) == 1797
    assert int(task.train.images.max()) == 255


def test_digits_default_has_ten_labels_per_class() -> None:
    task = Digits().load()
    assert task.class_names == tuple("0123456789")
    assert task.train.images.shape == (100, 1, 8, 8)
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
