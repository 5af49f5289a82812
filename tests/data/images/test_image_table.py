from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.data.pictures import picture
from tlx.data.images.files.image_file import read_image
from tlx.data.images.image_counts import data_record
from tlx.data.images.image_table import ImageTable
from tlx.data.images.stored.stored_form import StoredForm
from tlx.errors import TlxError


def table(folder: Path, labels: list[str], name: str = "table.csv", **columns: Any) -> Path:
    """Write images `img/<number>.png` and a table of them."""
    for number in range(len(labels)):
        picture(folder / f"img/{number}.png", number)
    paths = [f"img/{number}.png" for number in range(len(labels))]
    frame = pd.DataFrame({"path": paths, "label": labels} | columns)
    if name.endswith("csv"):
        frame.to_csv(folder / name, index=False)
    else:
        frame.to_parquet(folder / name)
    return folder / name


def source(path: Path, **options: Any) -> ImageTable:
    defaults = {"size": 8, "cache": str(path.parent / "cache"), "threads": 2}
    return ImageTable(table=str(path), **(defaults | options))


def faults(path: Path, **options: Any) -> list[str]:
    return [str(fault) for fault in source(path, **options).faults()]


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_image_table_pairs_each_file_with_its_label(name: str, tmp_path: Path) -> None:
    labels = [str(number % 3 + 8) for number in range(36)]
    path = table(tmp_path, labels, name)
    task = source(path).load()
    assert task.class_names == ("8", "9", "10")
    for split in (task.train, task.val, task.test):
        for image, label, row in zip(split.inputs, split.labels, split.sample_ids, strict=True):
            expected = read_image(tmp_path / f"img/{int(row)}.png", StoredForm(8)).pixels
            assert np.array_equal(image.numpy(), expected)
            assert task.class_names[label] == labels[int(row)]


def test_image_table_with_a_split_column_keeps_its_splits(tmp_path: Path) -> None:
    words = ["train"] * 8 + ["valid"] * 2 + ["test"] * 2
    path = table(tmp_path, ["a", "b"] * 6, part=words)
    task = source(path, split_column="part").load()
    assert sorted(task.train.sample_ids.tolist()) == list(range(8))
    assert sorted(task.val.sample_ids.tolist()) == [8, 9]
    assert sorted(task.test.sample_ids.tolist()) == [10, 11]


def test_image_table_with_integer_labels_and_absolute_paths_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, ["a"] * 24, "table.parquet")
    frame = pd.read_parquet(path)
    frame["label"] = [number % 2 for number in range(24)]
    frame["path"] = [str(tmp_path / name) for name in frame["path"]]
    frame.to_parquet(path)
    assert data_record(source(path).load())["images"]["test"] == {"0": 2, "1": 2}


def test_image_table_with_a_root_of_its_own_starts_there(tmp_path: Path) -> None:
    path = table(tmp_path / "images", ["a", "b"] * 12)
    moved = path.rename(tmp_path / "elsewhere.csv")
    assert len(source(moved, root=str(tmp_path / "images")).load().train) > 0
    (fault,) = faults(moved)
    assert fault == (
        f"data.root={tmp_path}: 24 files of the table are not there: img/0.png, img/1.png, "
        "img/2.png, img/3.png, img/4.png and 19 more. Give the folder that the paths start from, "
        "or correct them."
    )


def test_image_table_that_is_missing_says_where_it_looked(tmp_path: Path) -> None:
    assert faults(tmp_path / "nowhere.csv") == [
        f"data.table={tmp_path / 'nowhere.csv'}: there is no such file. Give the path of a CSV or "
        f"Parquet file (looked for {tmp_path / 'nowhere.csv'})."
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"label_column": "labels"},
            "data.label_column=labels: the table has no such column. Did you mean 'label'?",
        ),
        (
            {"path_column": "file", "split_column": "split"},
            "data.path_column=file: the table has no such column. Choose from: label, path.",
        ),
    ],
)
def test_image_table_without_a_named_column_says_which_there_are(
    options: dict[str, str], text: str, tmp_path: Path
) -> None:
    found = faults(table(tmp_path, ["a", "b"] * 12), **options)
    assert found[0] == text
    assert len(found) == len(options)


@pytest.mark.parametrize("name", ["../outside.png", "img/../../outside.png", "/etc/passwd"])
def test_image_table_with_a_path_that_leaves_the_root_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    picture(tmp_path / "outside.png", number=99)
    path = table(folder, ["a", "b"] * 12)
    path.write_text(path.read_text().replace("img/3.png", name))
    shown = os.path.relpath(name, folder) if name.startswith("/") else "../outside.png"
    assert faults(path) == [
        f"data.root={folder}: 1 paths of the table leave this folder: {shown}. "
        "Give the folder that holds all images, or correct the paths."
    ]


@pytest.mark.parametrize("linked", ["img/3.png", "img"])
def test_image_table_with_a_link_that_leaves_the_root_is_refused(
    linked: str, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    path = table(folder, ["a", "b"] * 12)
    moved = tmp_path / "elsewhere"
    (folder / linked).rename(moved)
    (folder / linked).symlink_to(moved)
    first, count = ("img/3.png", 1) if linked == "img/3.png" else ("img/0.png", 24)
    (fault,) = faults(path)
    target = moved if count == 1 else moved / "0.png"
    assert fault.startswith(
        f"data.root={folder}: {count} paths of the table leave this folder by a symbolic link: "
        f"{first} -> {target}"
    )
    assert fault.endswith(
        ". Put the files themselves there, or list them below a data.root that holds them."
    )


def test_image_table_with_a_link_within_the_root_is_read(tmp_path: Path) -> None:
    path = table(tmp_path / "images", ["a", "b"] * 12)
    (tmp_path / "images/img/3.png").rename(tmp_path / "images/moved.png")
    (tmp_path / "images/img/3.png").symlink_to(tmp_path / "images/moved.png")
    (tmp_path / "link").symlink_to(tmp_path / "images")
    assert faults(path) == faults(tmp_path / "link" / path.name) == []


def test_image_table_with_an_unknown_split_shows_it(tmp_path: Path) -> None:
    path = table(tmp_path, ["a", "b"] * 12, split=["train"] * 23 + ["tset"])
    assert faults(path, split_column="split") == [
        "data.split_column=split: it holds 'tset'. Write train, val, test."
    ]


def test_image_table_with_a_file_twice_names_it(tmp_path: Path) -> None:
    path = table(tmp_path, ["a", "b"] * 12)
    path.write_text(path.read_text() + "./img/3.png,a\n")
    assert faults(path) == [
        "data.table=rows: the table lists these files more than once: img/3.png. "
        "Leave one row of each."
    ]


def test_image_table_with_equal_files_in_two_splits_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, ["a", "b"] * 6, split=["train"] * 8 + ["val"] * 2 + ["test"] * 2)
    picture(tmp_path / "img/0.png", number=10)
    with pytest.raises(TlxError, match=r"train and test share images.*img/0.png = img/10.png"):
        source(path, split_column="split").load()


def test_image_table_with_a_label_that_training_lacks_names_it(tmp_path: Path) -> None:
    labels = ["a", "b"] * 6
    labels[-1] = "c"
    path = table(tmp_path, labels, split=["train"] * 8 + ["val"] * 2 + ["test"] * 2)
    assert faults(path, split_column="split") == [
        f"data={tmp_path}: classes without a training image, though test has some: c. "
        "Add images, remove the class, or choose others with data.classes."
    ]
    assert faults(path, split_column="split", classes=("a", "b")) == []


def test_image_table_with_empty_cells_says_where(tmp_path: Path) -> None:
    path = table(tmp_path, ["a", "b", "", "a"] * 6)
    assert faults(path) == [
        f"data.table={path}: column 'label' is empty in 6 rows, the first of them row 3. "
        "Fill them in, or remove the rows."
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("t.csv", b"", "it is empty. "), ("t.parquet", b"PAR1 no", "it cannot be read as a table (")],
)
def test_image_table_that_is_none_says_so(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    (fault,) = faults(tmp_path / name)
    assert fault.startswith(f"data.table={tmp_path / name}: {said}")
    (tmp_path / "rows.csv").write_text("path,label\n")
    assert faults(tmp_path / "rows.csv") == [
        f"data.table={tmp_path / 'rows.csv'}: it has no rows. Add some."
    ]


WRITTEN = ("01", "1", "None", "NA", "nan", "1.10")


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_image_table_labels_are_classes_exactly_as_written(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = [WRITTEN[number % 6] for number in range(48)]
    task = source(table(tmp_path, labels, name)).load()
    assert sorted(task.class_names) == sorted(WRITTEN)
    for split in (task.train, task.val, task.test):
        pairs = zip(split.labels.tolist(), split.sample_ids.tolist(), strict=True)
        assert all(task.class_names[label] == labels[row] for label, row in pairs)
    assert "'01' and '1' are two classes: labels are text as written" in caplog.text


def test_image_table_in_another_dialect_is_read_by_its_options(tmp_path: Path) -> None:
    path = table(tmp_path, ["é", "ü"] * 12)
    text = path.read_text()
    path.write_bytes(text.replace(",", ";").encode("latin-1"))
    task = source(path, separator="semicolon", encoding="latin-1").load()
    assert task.class_names == ("é", "ü")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text.replace(",", ";"),
            "data.separator=',': it gives FILE a single column, 'path;label'. "
            "Give data.separator=semicolon.",
        ),
        (
            lambda text: text.replace("\n", ",\n").replace("label,", "label", 1),
            "data.table=FILE: row 1 has 3 fields, and the header names 2 (24 of 24 rows differ). "
            "Each row ends in a separator: take it away, or end the header in one too.",
        ),
        (
            lambda text: text.replace("path,label", "path,path", 1),
            "data.table=FILE: the header names 'path' more than once (columns 1, 2). "
            "Give each column a name of its own.",
        ),
    ],
    ids=["semicolons", "trailing commas", "a name twice"],
)
def test_image_table_that_would_be_read_otherwise_is_refused(
    change: Callable[[str], str], said: str, tmp_path: Path
) -> None:
    path = table(tmp_path, ["a", "b"] * 12)
    path.write_text(change(path.read_text()))
    (fault,) = faults(path)
    assert fault.replace(str(path), "FILE") == said


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_image_table_takes_labels_in_two_unicode_forms_as_one_class_and_says_so(
    tmp_path: Path,
) -> None:
    task = source(table(tmp_path, [NFC, NFD, "b", "B"] * 6)).load()
    assert task.class_names == ("B", "b", NFC)
    record = data_record(task)
    assert sum(split[NFC] for split in record["images"].values()) == 12
    assert record["notices"] == [
        f"labels are written in more than one Unicode form, and taken as one class each: {NFC}",
        "classes whose names differ only in case, spaces or form of letters stay apart: 'B' and "
        "'b'",
    ]


def test_image_table_finds_files_whose_names_the_disk_has_in_another_form(tmp_path: Path) -> None:
    path = table(tmp_path, ["a", "b"] * 8)
    (tmp_path / "img").rename(tmp_path / f"img{NFD}")
    path.write_text(path.read_text().replace("img/", f"img{NFC}/"))
    record = data_record(source(path).load())
    assert record["files"] == 16
    assert record["notices"][0].startswith(
        "16 files whose names the disk has in another Unicode form than the table: img"
    )


def test_image_table_with_splits_of_other_spellings_keeps_them(tmp_path: Path) -> None:
    path = table(tmp_path, ["a", "b"] * 6, part=["Training"] * 8 + ["DEV"] * 2 + ["Eval"] * 2)
    task = source(path, split_column="part").load()
    splits = (task.train, task.val, task.test)
    assert [len(split) for split in splits] == [8, 2, 2]
