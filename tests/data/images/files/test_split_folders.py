from __future__ import annotations

import pytest

from tlx.data.images.files.split_folders import (
    SplitFoldersError,
    Splits,
    Tree,
    split_folders,
    split_of,
    splits_notice,
)
from tlx.data.splitting import TEST, TRAIN, VAL


def tree(*images: str, empty: tuple[str, ...] = ()) -> Tree:
    """Return the folders of some images, and of some that hold none."""
    filled = {"/".join(p.split("/")[:n]) for p in images for n in range(1, p.count("/") + 1)}
    inside: dict[str, list[str]] = {}
    for path in sorted({*filled, *empty}):
        parent, _, name = path.rpartition("/")
        inside.setdefault(parent, []).append(name)
    return Tree(inside, frozenset(filled))


def of_classes(*folders: str) -> Tree:
    return tree(*(f"{folder}/{name}/a.png" for folder in folders for name in ("cat", "dog")))


def refusal(found: Tree, how: Splits = "auto") -> str:
    with pytest.raises(SplitFoldersError) as error:
        split_folders(found, how)
    return f"{error.value.reason}. {error.value.remedy}"


@pytest.mark.parametrize(
    ("names", "split"),
    [
        ("train Training TRAIN trn trainval train_set Training-Set trainset TrainData", TRAIN),
        ("train_images images.train TrainSet TRAINSET", TRAIN),
        ("val VALID validation Validation dev Dev_Set valset val_data Development", VAL),
        ("test Testing TEST tests tst test_set TestImages eval Evaluation hold_out holdout", TEST),
        ("cat station train_station test_tube pretrain invalid attest set data 2017", None),
        ("train2017 seg_train train-1 テストtest été_train", None),
    ],
)
def test_split_of_names_is_told_in_any_case_and_spelling(names: str, split: int | None) -> None:
    assert {name: split_of(name) for name in names.split()} == dict.fromkeys(names.split(), split)


@pytest.mark.parametrize(
    ("folders", "places"),
    [
        (("train", "val", "test"), [(TRAIN, "train"), (VAL, "val"), (TEST, "test")]),
        (("Training", "Testing"), [(TRAIN, "Training"), (TEST, "Testing")]),
        (("train", "Test"), [(TRAIN, "train"), (TEST, "Test")]),
        (("TRAIN", "DEV"), [(TRAIN, "TRAIN"), (VAL, "DEV")]),
        (("train",), [(TRAIN, "train")]),
        (("images/train", "images/test"), [(TRAIN, "images/train"), (TEST, "images/test")]),
        (("a/b/train", "a/b/val"), [(TRAIN, "a/b/train"), (VAL, "a/b/val")]),
        (
            ("training_set/training_set", "test_set/test_set"),
            [(TRAIN, "training_set/training_set"), (TEST, "test_set/test_set")],
        ),
        (("",), [(TRAIN, "")]),
        (("pets",), [(TRAIN, "")]),  # one class, of folders
    ],
)
def test_split_folders_of_usual_spellings_are_found(
    folders: tuple[str, ...], places: list[tuple[int, str]]
) -> None:
    found = tree(*(f"{f}/{n}/a.png".lstrip("/") for f in folders for n in ("cat", "dog")))
    assert split_folders(found, "auto") == places


SETTLE = (
    "Say which is meant: data.splits=folders takes those called after splits and leaves the others "
    "out; data.splits=none takes all of them as classes."
)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            tree("train/a.png", "bus/a.png", "car/a.png"),
            f"'train' is called after splits, and 'bus' and 'car' beside it not. {SETTLE}",
        ),
        (
            of_classes("train", "test", "extra", "unlabeled"),
            "'test' and 'train' are called after splits, and 'extra' and 'unlabeled' beside them "
            f"not. {SETTLE}",
        ),
        (
            of_classes("train", "val", "Validation"),
            "'Validation' and 'val' are both called after the val split. Merge them, or move one "
            "away; data.splits=none takes all folders as classes.",
        ),
        (
            of_classes("train", "TRAIN"),
            "'TRAIN' and 'train' are both called after the train split. Merge them, or move one "
            "away; data.splits=none takes all folders as classes.",
        ),
        (
            of_classes("test", "val"),
            "'test' and 'val' are called after splits, and none of them is for training. Add a "
            "folder train, or say data.splits=none where these are classes.",
        ),
        (
            of_classes("seg_train", "seg_test", "seg_pred"),
            f"'seg_test' and 'seg_train' look like splits. {SETTLE}",
        ),
        (
            of_classes("train2017", "val2017"),
            f"'train2017' and 'val2017' look like splits. {SETTLE}",
        ),
        (
            tree("cat/train/a.png", "cat/test/a.png", "dog/train/a.png"),
            "folders called after splits lie within the classes: cat/test, cat/train, dog/train. "
            "Put the classes into the splits (train/cat), give the folder that holds the splits as "
            "data.root, or say data.splits=none, which reads a class's folders as one.",
        ),
        (
            tree("train/cat/a.png", "train/dog/a.png", empty=("val", "val/cat")),
            "'val' is called after a split and holds no image of a format that PIL reads. Add "
            "images, or remove the folder: what is missing is dealt out of training.",
        ),
    ],
)  # fmt: skip
def test_split_folders_that_may_be_classes_are_refused_by_name(found: Tree, text: str) -> None:
    assert refusal(found) == text


@pytest.mark.parametrize(
    "names", [("train_station", "test_tube"), ("cat", "pretrain"), ("invalid", "ok")]
)
def test_split_folders_are_not_seen_in_classes_that_hold_a_split_s_word(
    names: tuple[str, ...],
) -> None:
    assert split_folders(tree(*(f"{n}/a.png" for n in names)), "auto") == [(TRAIN, "")]


def test_split_folders_told_to_be_classes_are_classes() -> None:
    assert split_folders(tree("train/a.png", "bus/a.png"), "none") == [(TRAIN, "")]
    assert split_folders(of_classes("train", "test"), "none") == [(TRAIN, "")]


def test_split_folders_told_to_be_splits_leave_the_others_out() -> None:
    seg = of_classes("seg_train", "seg_test", "seg_pred")
    assert split_folders(seg, "folders") == [(TRAIN, "seg_train"), (TEST, "seg_test")]
    mixed = of_classes("train", "Test", "extra")
    assert split_folders(mixed, "folders") == [(TRAIN, "train"), (TEST, "Test")]
    assert refusal(of_classes("a", "b"), "folders") == (
        "no folder of it is called after a split. Call them train, val and test, or say "
        "data.splits=none where all folders are classes."
    )


def test_split_folders_beside_folders_without_images_are_splits() -> None:
    found = tree("train/cat/a.png", "train/dog/a.png", empty=("annotations", "docs/more"))
    assert split_folders(found, "auto") == [(TRAIN, "train")]


def test_splits_notice_says_which_folder_is_which_split() -> None:
    assert splits_notice([(TRAIN, "Training"), (TEST, "eval")]) == [
        "splits: train is Training, test is eval"
    ]
    assert splits_notice([(TRAIN, "train"), (VAL, "val")]) == splits_notice([(TRAIN, "")]) == []
