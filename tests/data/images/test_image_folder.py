from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.datasets import ImageFolder as TorchvisionFolder
from torchvision.transforms import v2

from tests.data.image_folders import faults, images, plain_folder, split_folder
from tests.data.pictures import folder_of, picture
from tlx.config.choices.options import check_options
from tlx.data.images.image_counts import data_record


def test_image_folder_with_splits_gives_torchvision_s_images_and_classes(tmp_path: Path) -> None:
    root = split_folder(tmp_path)
    task = images(root).load()
    assert task.class_names == ("cat", "dog")
    assert task.name == "pets"
    transform = v2.Compose([v2.Resize(8), v2.CenterCrop(8), v2.PILToTensor()])
    for name, split in (("train", task.train), ("val", task.val), ("test", task.test)):
        reference = TorchvisionFolder(str(root / name), transform)
        expected = {image.numpy().tobytes(): label for image, label in reference}
        found = zip(split.inputs.numpy(), split.labels.tolist(), strict=True)
        assert {image.tobytes(): label for image, label in found} == expected
        assert len(split) == len(reference)
        assert split.inputs.dtype == torch.uint8


def test_image_folder_without_splits_is_dealt_out(tmp_path: Path) -> None:
    task = images(plain_folder(tmp_path), test_fraction=0.2, val_fraction=0.1).load()
    record = data_record(task)
    assert record["images"] == {
        "train": {"cat": 14, "dog": 21},
        "val": {"cat": 2, "dog": 3},
        "test": {"cat": 4, "dog": 6},
    }
    assert (record["files"], record["stored"]) == (50, [3, 8, 8])
    ids = torch.cat([s.sample_ids for s in (task.train, task.val, task.test)])
    assert sorted(ids.tolist()) == list(range(50))


def test_image_folder_missing_test_is_dealt_out_of_training(tmp_path: Path) -> None:
    root = split_folder(tmp_path)
    shutil.rmtree(root / "test")
    (root / "val").rename(root / "validation")
    assert data_record(images(root).load())["images"] == {
        "train": {"cat": 6, "dog": 5},
        "val": {"cat": 2, "dog": 2},
        "test": {"cat": 2, "dog": 1},
    }


def test_image_folder_of_chosen_classes_has_these_alone(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"ant": 12, "cat": 12, "dog": 12})
    task = images(root, classes=("dog", "ant")).load()
    assert task.class_names == ("ant", "dog")
    assert set(task.train.labels.tolist()) == {0, 1}
    assert data_record(task)["files"] == 24


def test_image_folder_deals_a_class_out_alike_whichever_others_are_chosen(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "three", {"ape": 20, "bee": 20, "cat": 20})
    whole, some = images(root).load(), images(root, classes=["bee", "cat"]).load()
    for split in ("train", "val", "test"):
        one, other = getattr(whole, split), getattr(some, split)
        of_bee = {image.numpy().tobytes() for image in one.inputs[one.labels == 1]}
        assert {image.numpy().tobytes() for image in other.inputs[other.labels == 0]} == of_bee


def test_image_folder_second_run_decodes_nothing(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    first = images(root).load()
    again = images(root, seed=1, train_per_class=3).load()
    assert (first.about["decoded_now"], again.about["decoded_now"]) == (True, False)
    picture(root / "cat/000.png", number=999)
    assert images(root).load().about["decoded_now"]
    assert images(root, resize="squash").load().about["decoded_now"]


def test_image_folder_on_disk_gives_what_it_gives_in_memory(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    loaded, mapped = images(root, memory="load").load(), images(root, memory="map").load()
    assert (loaded.about["in_memory"], mapped.about["in_memory"]) == (True, False)
    assert not isinstance(mapped.train.inputs, torch.Tensor)
    assert mapped.train.inputs.shape == loaded.train.inputs.shape
    rows = torch.tensor([3, 1, 3])
    assert mapped.train.inputs[rows].equal(loaded.train.inputs[rows])
    assert mapped.train.inputs[2:5].equal(loaded.train.inputs[2:5])
    assert mapped.train.inputs[4].equal(loaded.train.inputs[4])
    assert mapped.fingerprint == loaded.fingerprint


def test_image_folder_that_is_missing_says_where_it_looked(tmp_path: Path) -> None:
    assert faults(tmp_path / "nowhere") == [
        f"data.root={tmp_path / 'nowhere'}: there is no such folder. Give the path of a folder of "
        f"images (looked for {tmp_path / 'nowhere'})."
    ]
    (tmp_path / "file").touch()
    assert "it is no folder" in faults(tmp_path / "file")[0]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": 0}, "data.size=0: it is below 1. Use 1 or more."),
        ({"train_per_class": 22}, "data.train_per_class=22: class 'cat' has 14 images to train on"),
        ({"folds": 5}, "data.fold=None: 5 folds are 5 runs, each with its own data.fold."),
    ],
)
def test_image_folder_options_that_cannot_be_are_faults(
    options: dict[str, Any], text: str, tmp_path: Path
) -> None:
    (fault,) = faults(plain_folder(tmp_path), **options)
    assert fault.startswith(text)


@pytest.mark.parametrize(
    ("option", "word", "text"),
    [
        ("resize", "stretch", "must be 'crop' or 'squash'. It takes crop, squash."),
        ("resize", "sqaush", "must be 'crop' or 'squash'. Did you mean 'squash'?"),
        ("corrupt", "skipp", "must be 'fail' or 'skip'. Did you mean 'skip'?"),
        ("overlap", "dorp", "must be 'refuse' or 'drop'. Did you mean 'drop'?"),
        ("memory", "lod", "must be 'auto', 'load' or 'map'. Did you mean 'load'?"),
    ],
)
def test_image_folder_options_of_another_word_suggest_one(
    option: str, word: str, text: str
) -> None:
    node = {"_target_": "tlx.data.images.image_folder.ImageFolder", "root": "pets", option: word}
    _, found = check_options("data", node)
    assert [str(fault) for fault in found] == [f"data.{option}={word}: {text}"]
