from __future__ import annotations

from pathlib import Path

import pytest

from tlx.data.images.files.file_account import account_of
from tlx.data.images.files.file_walk import Walked, Why

ROOT = Path("pets")


def walk(**left_out: list[str]) -> Walked:
    pairs: list[tuple[str, Why]] = [(n, why) for why, ns in left_out.items() for n in ns]  # type: ignore[misc]
    return Walked(ROOT, (), (), tuple(pairs))


def faults(used: int, **left_out: list[str]) -> list[str]:
    return [str(f) for f in account_of(walk(**left_out), used).faults("data.root", ROOT)]


def test_account_tells_of_each_kind_with_counts_and_an_example() -> None:
    heic = [f"cat/{n}.HEIC" for n in range(3)]
    found = walk(other_suffix=[*heic, "cat/b", "notes.txt"], hidden=[".DS_Store"])
    account = account_of(found, 14, outside=["notes.txt", "loose.png"])
    assert account.sentence() == (
        "14 image files are used, left out: 4 of another suffix (.heic 3, none 1), such as "
        "cat/0.HEIC; 1 hidden, such as .DS_Store; 2 outside of the classes' folders, such as "
        "loose.png"
    )
    assert account.to_dict() == {
        "other_suffix": {
            "files": 4,
            "examples": ["cat/0.HEIC", "cat/1.HEIC", "cat/2.HEIC", "cat/b"],
            "suffixes": {".heic": 3, "none": 1},
        },
        "hidden": {"files": 1, "examples": [".DS_Store"]},
        "outside_classes": {"files": 2, "examples": ["loose.png", "notes.txt"]},
    }


def test_account_of_chosen_classes_counts_the_others() -> None:
    account = account_of(walk(), 50).choosing(20)
    assert account.sentence() == "20 image files are used, left out: 30 of classes not chosen"
    assert account.to_dict() == {"class_not_chosen": {"files": 30}}
    assert account_of(walk(), 1).sentence() == "1 image files are used, none left out"


def test_account_of_many_files_that_may_be_images_is_a_fault() -> None:
    names = [f"cat/{n}.heic" for n in range(28)] + [f"cat/{n}" for n in range(6)]
    assert faults(14, other_suffix=names) == [
        "data.root=pets: 34 of 48 files have the suffix of no image format that PIL reads: .heic "
        "28, none 6, such as cat/0. Convert them (.heic to .jpg, for example), give the names "
        "the suffix of their format, or leave them out with data.corrupt=skip."
    ]


@pytest.mark.parametrize(
    "names",
    [
        [f"cat/{n}.txt" for n in range(50)],  # beside each image its label
        ["cat/README", "cat/LICENSE", "dog/readme"],
        ["cat/a.heic"],  # one of 21
        [],
    ],
)
def test_account_of_side_files_or_few_others_is_no_fault(names: list[str]) -> None:
    assert faults(20, other_suffix=names) == []


def test_account_of_image_files_that_lead_nowhere_is_a_fault() -> None:
    assert faults(5, broken_link=["a.png", "b.JPG", "c.txt"], not_plain=["d.png", "socket"]) == [
        "data.root=pets: 2 image files are broken links: a.png, b.JPG. Put the files there, or "
        "leave them out with data.corrupt=skip.",
        "data.root=pets: 1 image file is no plain file: d.png. Put the files there, or leave them "
        "out with data.corrupt=skip.",
    ]
