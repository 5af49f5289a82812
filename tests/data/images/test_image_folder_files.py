"""Which files of an image folder are used, left out or refused."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.image_folders import faults, images, plain_folder, split_folder
from tests.data.pictures import folder_of, picture
from tlx.data.images.image_counts import data_record
from tlx.errors import ConfigError, TlxError


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
