from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder as TorchvisionFolder
from torchvision.transforms import v2

from tests.data.pictures import folder_of, picture
from tlx.config.choices.options import check_options
from tlx.data.images.image_counts import data_record
from tlx.data.images.image_folder import ImageFolder
from tlx.errors import ConfigError, TlxError


def images(root: Path, **options: Any) -> ImageFolder:
    defaults = {"size": 8, "cache": str(root.parent / "cache"), "threads": 2}
    return ImageFolder(root=str(root), **(defaults | options))


def split_folder(tmp_path: Path) -> Path:
    counts = {
        "train/cat": 8, "train/dog": 6, "val/cat": 2, "val/dog": 2, "test/cat": 3, "test/dog": 4,
    }  # fmt: skip
    return folder_of(tmp_path / "pets", counts)


def plain_folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "pets", {"cat": 20, "dog": 30})


def faults(root: Path, **options: Any) -> list[str]:
    return [str(fault) for fault in images(root, **options).faults()]


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


def test_image_folder_reads_nested_folders_and_leaves_other_files_out(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    picture(root / "cat/more/deep.PNG", number=1000)
    (root / "cat/notes.txt").write_text("no image")
    (root / "cat/.hidden.png").write_bytes(b"x")
    (root / ".git").mkdir()
    assert data_record(images(root).load())["files"] == 51


def test_image_folder_with_a_link_that_leads_back_up_ends(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    (root / "cat/up").symlink_to(root / "cat", target_is_directory=True)
    assert data_record(images(root).load())["files"] == 50


def test_image_folder_whose_files_have_gone_since_says_which(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    source = images(root)
    assert source.faults() == []
    (root / "cat/003.png").unlink()
    with pytest.raises(TlxError, match=r"cat/003\.png cannot be read \(No such file"):
        source.load()


def test_image_folder_that_is_missing_says_where_it_looked(tmp_path: Path) -> None:
    assert faults(tmp_path / "nowhere") == [
        f"data.root={tmp_path / 'nowhere'}: there is no such folder. Give the path of a folder of "
        f"images (looked for {tmp_path / 'nowhere'})."
    ]
    (tmp_path / "file").touch()
    assert "it is no folder" in faults(tmp_path / "file")[0]


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


def test_image_folder_with_corrupt_files_names_them_all(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    (root / "cat/000.png").write_bytes(b"")
    (root / "dog/001.png").write_bytes(b"nothing")
    with pytest.raises(TlxError) as error:
        images(root).load()
    assert str(error.value) == (
        "2 of 50 image files cannot be used: cat/000.png: the file is empty; dog/001.png: it is "
        "no image that PIL can read. Repair or remove them, or leave them out with "
        "data.corrupt=skip."
    )


def test_image_folder_that_skips_corrupt_files_records_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = plain_folder(tmp_path)
    (root / "cat/000.png").write_bytes(b"")
    with caplog.at_level(logging.WARNING, "tlx"):
        task = images(root, corrupt="skip").load()
    assert data_record(task)["skipped"] == {"cat/000.png": "the file is empty"}
    assert "skipped cat/000.png: the file is empty" in caplog.text
    assert sum(len(s) for s in (task.train, task.val, task.test)) == 49
    splits = (task.train, task.val, task.test)
    assert 0 not in torch.cat([split.sample_ids for split in splits]).tolist()


def test_image_folder_whose_class_is_all_corrupt_is_a_fault(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    for path in (root / "cat").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ConfigError, match="class 'cat' has 0 images, too few to deal out"):
        images(root, corrupt="skip").load()


def test_image_folder_with_an_image_below_the_least_side_names_it(tmp_path: Path) -> None:
    root = plain_folder(tmp_path)
    picture(root / "dog/000.png", number=77, side=(5, 40))
    with pytest.raises(TlxError, match=r"dog/000\.png: 5x40 pixels, smaller than data\.min_side=9"):
        images(root, min_side=9).load()


def test_image_folder_with_the_same_bytes_in_two_splits_is_refused_by_name(tmp_path: Path) -> None:
    root = split_folder(tmp_path)
    shutil.copy(root / "test/dog/001.png", root / "train/dog/again.png")
    with pytest.raises(TlxError) as error:
        images(root).load()
    assert str(error.value) == (
        "train and test share images, byte for byte: train/dog/again.png = "
        "test/dog/001.png. Remove one of each, or say data.overlap=drop, which leaves them out of "
        "train."
    )


def test_image_folder_that_drops_overlaps_leaves_them_out_of_training(tmp_path: Path) -> None:
    root = split_folder(tmp_path)
    shutil.copy(root / "test/dog/001.png", root / "train/dog/again.png")
    shutil.copy(root / "test/cat/001.png", root / "val/cat/again.png")
    task = images(root, overlap="drop").load()
    assert [len(split) for split in (task.train, task.val, task.test)] == [14, 4, 7]
    assert data_record(task)["dropped"] == ["train/dog/again.png", "val/cat/again.png"]


def test_image_folder_same_file_by_two_names_is_refused(tmp_path: Path) -> None:
    root = split_folder(tmp_path)
    (root / "train/dog/link.png").symlink_to(root / "test/dog/001.png")
    with pytest.raises(TlxError, match=r"train/dog/link\.png = test/dog/001\.png"):
        images(root).load()


def test_image_folder_of_mixed_channels_is_converted_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = plain_folder(tmp_path)
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(root / "cat/000.png")
    Image.new("RGBA", (8, 8), (1, 2, 3, 255)).save(root / "dog/000.png")
    with caplog.at_level(logging.INFO, "tlx"):
        task = images(root).load()
    assert "2 of 50 images are converted to RGB: 1 L, 1 RGBA" in caplog.text
    assert data_record(task)["modes"] == {"RGB": 48, "L": 1, "RGBA": 1}
    assert task.train.inputs.shape[1] == 3


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


def test_image_folder_accounts_for_every_file_on_the_console_and_in_the_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = plain_folder(tmp_path)
    (root / "cat/photo.heic").touch()
    (root / "cat/.ipynb_checkpoints").mkdir()
    picture(root / "cat/.ipynb_checkpoints/000-checkpoint.png", number=300)
    (root / ".DS_Store").touch()
    with caplog.at_level(logging.INFO, "tlx"):
        task = images(root).load()
    assert (
        "pets: 50 image files are used, left out: 1 of another suffix (.heic 1), such as "
        "cat/photo.heic; 2 hidden, such as .DS_Store"
    ) in caplog.messages
    assert data_record(task)["left_out"] == {
        "other_suffix": {"files": 1, "examples": ["cat/photo.heic"], "suffixes": {".heic": 1}},
        "hidden": {"files": 2, "examples": [".DS_Store", "cat/.ipynb_checkpoints"]},
    }
    three = folder_of(tmp_path / "three", {"cat": 9, "dog": 9, "emu": 4})
    some = images(three, classes=("cat", "dog")).load()
    assert data_record(some)["left_out"] == {"class_not_chosen": {"files": 4}}


def test_image_folder_of_mostly_other_formats_is_refused_or_left_out_as_asked(
    tmp_path: Path,
) -> None:
    root = plain_folder(tmp_path)
    for number in range(40):
        (root / f"dog/{number}.heic").touch()
    (root / "dog/gone.png").symlink_to(root / "nowhere.png")
    assert faults(root) == [
        f"data.root={root}: 40 of 90 files have the suffix of no image format that PIL reads: "
        ".heic 40, such as dog/0.heic. Convert them (.heic to .jpg, for example), give the names "
        "the suffix of their format, or leave them out with data.corrupt=skip.",
        f"data.root={root}: 1 image file is a broken link: dog/gone.png. Put the files there, or "
        "leave them out with data.corrupt=skip.",
    ]
    record = data_record(images(root, corrupt="skip").load())
    assert (record["files"], record["left_out"]["broken_link"]["files"]) == (50, 1)


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
