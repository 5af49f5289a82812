"""Which classes and splits the folders of an image folder are taken for."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tests.data.image_folders import faults, images, plain_folder, split_folder
from tests.data.pictures import folder_of, picture
from tlx.data.images.image_counts import data_record


def test_image_folder_without_class_folders_says_so(tmp_path: Path) -> None:
    picture(tmp_path / "flat/a.png")
    assert faults(tmp_path / "flat") == [
        f"data.root={tmp_path / 'flat'}: {tmp_path / 'flat'} holds no folder; there must be one "
        "per class. Sort the images into folders."
    ]


def test_image_folder_with_an_empty_class_names_it(tmp_path: Path) -> None:
    root = folder_of(split_folder(tmp_path), {"train/emu": 0, "test/emu": 1}, first=100)
    (root / "train/emu/readme.txt").touch()
    assert faults(root) == [
        f"data.root={root}: classes without an image: train/emu. "
        "Add images of a format that PIL reads, or remove the folder."
    ]


def test_image_folder_with_a_single_class_says_so(tmp_path: Path) -> None:
    assert faults(folder_of(tmp_path / "pets", {"cat": 9})) == [
        "data='cat': the data has a single class ('cat'), there is nothing to tell apart. "
        "Give images of two classes or more."
    ]
    assert faults(plain_folder(tmp_path / "two"), classes=("cat",)) == [
        "data.classes=['cat']: one class alone leaves nothing to tell apart. "
        "Name two classes or more."
    ]


def test_image_folder_with_a_class_beyond_those_of_training_names_it(tmp_path: Path) -> None:
    root = folder_of(split_folder(tmp_path), {"test/emu": 2}, first=100)
    assert faults(root) == [
        f"data.root={root}: classes that training does not have: test/emu. "
        "Add them to train, or remove them."
    ]


def test_image_folder_of_an_unknown_class_suggests_one(tmp_path: Path) -> None:
    assert faults(plain_folder(tmp_path), classes=("dgo", "cat")) == [
        "data.classes=dgo: there is no such class. Did you mean 'dog'?"
    ]


def test_image_folder_of_capital_splits_trains_on_one_and_tests_on_the_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counts = {"Training/cat": 8, "Training/dog": 6, "Testing/cat": 3, "Testing/dog": 4}
    with caplog.at_level(logging.INFO, "tlx"):
        record = data_record(images(folder_of(tmp_path / "pets", counts)).load())
    assert record["images"] == {
        "train": {"cat": 7, "dog": 5},
        "val": {"cat": 1, "dog": 1},
        "test": {"cat": 3, "dog": 4},
    }
    assert record["notices"] == ["splits: train is Training, test is Testing"]
    assert "pets: splits: train is Training, test is Testing" in caplog.text


def test_image_folder_with_a_class_called_train_asks_which_is_meant(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "vehicles", {"train": 12, "bus": 12, "car": 12})
    assert faults(root) == [
        f"data.root={root}: 'train' is called after splits, and 'bus' and 'car' beside it not. Say "
        "which is meant: data.splits=folders takes those called after splits and leaves the others "
        "out; data.splits=none takes all of them as classes."
    ]
    assert images(root, splits="none").load().class_names == ("bus", "car", "train")


def test_image_folder_of_chosen_split_folders_counts_what_lies_outside(tmp_path: Path) -> None:
    root = folder_of(split_folder(tmp_path), {"extra/cat": 5}, first=100)
    picture(root / "loose.png", number=200)
    record = data_record(images(root, splits="folders").load())
    assert record["files"] == 25
    assert record["left_out"] == {
        "outside_classes": {"files": 6, "examples": [
            "extra/cat/000.png", "extra/cat/001.png", "extra/cat/002.png", "extra/cat/003.png",
            "extra/cat/004.png",
        ]},
    }  # fmt: skip


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_image_folder_reads_one_class_by_two_unicode_forms_in_two_splits(tmp_path: Path) -> None:
    counts = {f"train/{NFC}": 8, "train/dog": 6, f"test/{NFD}": 3, "test/dog": 4}
    task = images(folder_of(tmp_path / "pets", counts)).load()
    assert task.class_names == (NFC, "dog")
    assert data_record(task)["images"]["test"] == {NFC: 3, "dog": 4}
    assert data_record(task)["notices"] == [
        f"folders read by the composed form (NFC) of their names: test/{NFD} (U+0301) as {NFC}"
    ]
    assert images(tmp_path / "pets", classes=(NFD, "dog")).faults() == []


def test_image_folder_with_both_unicode_forms_of_a_class_in_one_folder_is_refused(
    tmp_path: Path,
) -> None:
    root = folder_of(tmp_path / "pets", {NFC: 8, NFD: 8, "dog": 6})
    assert faults(root) == [
        f"data.root={root}: folders of one split have the same name in other forms: {NFD} "
        f"(U+0301), {NFC} (U+00E9). Merge them, or rename one."
    ]


def test_image_folder_notices_classes_that_look_alike(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"Cat": 9, "cat": 9, "dog ": 9})
    record = data_record(images(root).load())
    assert list(record["images"]["train"]) == ["Cat", "cat", "dog "]
    assert record["notices"] == [
        "classes whose names differ only in case, spaces or form of letters stay apart: 'Cat' and "
        "'cat'",
        "names of classes start or end with a space: 'dog '",
    ]
    split = folder_of(tmp_path / "two", {"train/Cat": 9, "train/dog": 9, "test/cat": 3})
    assert faults(split) == [
        f"data.root={split}: classes that training does not have: test/cat (train has 'Cat'). "
        "Add them to train, or remove them."
    ]


def test_image_folder_with_a_class_of_latin_1_bytes_is_refused_before_work(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).mkdir()
    assert faults(root) == [
        f"data.root={root}: 1 name is not UTF-8: caf\\xe9. Rename them, with convmv -r -f latin1 "
        "-t utf8 --notest FOLDER for example."
    ]
