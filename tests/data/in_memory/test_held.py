from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.preprocessing import StandardScaler

from tlx.data.images.files.image_file import read_image
from tlx.data.images.stored.stored_form import StoredForm
from tlx.data.in_memory.examples import Examples
from tlx.data.in_memory.held import HeldFiles, held
from tlx.data.in_memory.source import InMemory
from tlx.data.tables.features.preparation import PREPARATION_FILE, Preparation
from tlx.errors import ConfigError

GENERATOR = np.random.default_rng(0)


def rows(columns: tuple[str, ...] = ("a", "b", "c"), *, are_named: bool = True) -> Examples:
    values = GENERATOR.normal(5, 3, (30, len(columns)))
    labels = np.arange(30) % 3
    return Examples(values, labels, ("x", "y", "z"), columns, are_named)


def test_held_rows_are_scaled_by_what_the_training_rows_say() -> None:
    examples = rows()
    task = held(examples, InMemory(val_fraction=0.3, seed=1)).load()
    train = examples.inputs[task.train.sample_ids]  # type: ignore[call-overload]
    val = examples.inputs[task.val.sample_ids]  # type: ignore[call-overload]
    scaler = StandardScaler().fit(train)
    np.testing.assert_allclose(task.train.inputs, scaler.transform(train), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(task.val.inputs, scaler.transform(val), rtol=1e-5, atol=1e-6)
    assert task.val.labels.bincount().tolist() == [3, 3, 3]
    assert list(task.splits) == ["train", "val"]
    learned = Preparation.from_dict(task.files[PREPARATION_FILE])
    assert learned.numeric == ("a", "b", "c")


def test_held_rows_of_a_runs_preparation_stand_in_its_order(tmp_path: Path) -> None:
    first = held(rows(), InMemory()).load()
    (tmp_path / PREPARATION_FILE).write_text(json.dumps(first.files[PREPARATION_FILE]))
    learned = Preparation.from_dict(first.files[PREPARATION_FILE])
    examples = rows(("c", "other", "a", "b"))
    task = held(examples, InMemory(preparation=str(tmp_path))).load()
    chosen = examples.inputs[task.train.sample_ids][:, [2, 3, 0]]  # type: ignore[call-overload]
    expected = (chosen - np.array(learned.centres)) / np.array(learned.scales)
    np.testing.assert_allclose(task.train.inputs, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("columns", "are_named", "told"),
    [
        (("a", "b"), True, "that run's rows have 3 columns, and these lack some of them. Give the "
                           "columns: a, b, c."),
        (("x0", "x1"), False, "that run's rows have 3 columns, and these lack some of them. Give "
                              "the columns: a, b, c."),
    ],
)  # fmt: skip
def test_held_rows_that_lack_a_preparations_columns_are_refused(
    columns: tuple[str, ...], are_named: bool, told: str, tmp_path: Path
) -> None:
    first = held(rows(), InMemory()).load()
    (tmp_path / PREPARATION_FILE).write_text(json.dumps(first.files[PREPARATION_FILE]))
    source = held(rows(columns, are_named=are_named), InMemory(preparation=str(tmp_path)))
    assert [str(fault) for fault in source.faults()] == [f"data.preparation={tmp_path}: {told}"]


def test_held_numbers_are_trained_on_with_mean_0_and_variance_1() -> None:
    numbers = GENERATOR.normal(100, 20, 40)
    task = held(Examples(numbers[:, None], numbers, columns=("x0",)), InMemory()).load()
    assert task.number is not None
    assert float(task.train.labels.mean()) == pytest.approx(0, abs=1e-6)
    assert float(task.train.labels.std(unbiased=False)) == pytest.approx(1, abs=1e-6)
    own = task.number.in_own_units(task.val.labels)
    np.testing.assert_allclose(own, numbers[task.val.sample_ids], rtol=1e-6)


def test_held_pixels_stay_as_they_are() -> None:
    images = GENERATOR.integers(0, 256, (8, 3, 4, 5)).astype(np.uint8)
    task = held(Examples(images, np.arange(8) % 2, ("a", "b")), InMemory()).load()
    assert torch.equal(task.train.inputs, torch.from_numpy(images[task.train.sample_ids]))
    assert task.about == {"validated_on_training_examples": False}


def test_held_files_are_decoded_as_the_network_asks(tmp_path: Path) -> None:
    paths = tuple(tmp_path / f"{place}.png" for place in range(4))
    for path in paths:
        noise = GENERATOR.integers(0, 256, (30, 40, 3)).astype(np.uint8)
        Image.fromarray(noise).save(path)
    source = held(Examples(paths, np.arange(4) % 2, ("a", "b")), InMemory())
    assert isinstance(source, HeldFiles)
    form = StoredForm(16, crop=12)
    task: Any = source.for_network(form).load()
    for image, place in zip(task.train.inputs, task.train.sample_ids, strict=True):
        expected = read_image(paths[place], form).pixels
        assert np.array_equal(image, expected)
    assert task.about["form"] == form.to_dict()
    own: Any = held(source.examples, InMemory(size=8, resize="squash")).for_network(form)  # type: ignore[attr-defined]
    assert own.form == StoredForm(8, "squash")


def test_in_memory_without_a_program_has_no_task() -> None:
    with pytest.raises(ConfigError, match=r"No command has them: choose another data=\."):
        InMemory().load()
