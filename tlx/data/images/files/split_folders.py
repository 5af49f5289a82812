"""Which folders of a data set are its splits, by what data sets usually call them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tlx.data.splitting import SPLIT_NAMES, TEST, TRAIN, VAL
from tlx.texts.names import shortened, shown_name

Splits = Literal["auto", "folders", "none"]
"""What folders called after splits are: told from all names, splits, or classes like others."""
SPLIT_WORDS: Final[Mapping[str, int]] = {
    "train": TRAIN, "training": TRAIN, "trn": TRAIN, "trainval": TRAIN,
    "val": VAL, "valid": VAL, "validation": VAL, "validate": VAL, "dev": VAL, "development": VAL,
    "test": TEST, "tests": TEST, "testing": TEST, "tst": TEST, "eval": TEST, "evaluation": TEST,
    "evaluate": TEST, "holdout": TEST, "heldout": TEST,
}  # fmt: skip
BESIDE: Final = frozenset(
    ("set", "sets", "data", "dataset", "split", "image", "images", "img", "imgs", "photos",
     "pictures", "samples", "folder", "dir")
)  # fmt: skip
"""Words that change nothing beside a split's."""
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")


class SplitFoldersError(Exception):
    """Folders that may be splits and may be classes.

    Args:
        reason: Which they are, and why this is not clear.
        remedy: What settles it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


def split_of(name: str) -> int | None:
    """Return the split that a name says, whatever its case: `Training`, `TEST`, `val_images`."""
    words = _words(name)
    for tried in ("".join(words), "".join(word for word in words if word not in BESIDE)):
        found = SPLIT_WORDS.get(tried, SPLIT_WORDS.get(tried.removesuffix("set")))
        if found is not None:
            return found
    return None


@dataclass(frozen=True)
class Tree:
    """The folders of a data set.

    Args:
        inside: Names of the folders in each folder, by its path; the root's is empty.
        filled: Paths of the folders that hold an image, at whatever depth.
    """

    inside: Mapping[str, Sequence[str]]
    filled: frozenset[str]

    def children(self, path: str) -> list[str]:
        """Return the names of a folder's folders that hold an image."""
        names = self.inside.get(path, ())
        return sorted(name for name in names if _joined(path, name) in self.filled)


def split_folders(tree: Tree, how: Splits) -> list[tuple[int, str]]:
    """Return each split and the path of the folder that holds its classes; training comes first.

    The root's path, empty, is all there is to training where folders are classes.

    Raises:
        SplitFoldersError: Where names do not tell splits from classes, or tell of one split twice.
    """
    if how == "none":
        return [(TRAIN, "")]
    base = _base(tree)
    names = tree.children(base)
    _refuse_empty(tree, base)
    certain = {name: split for name in names if (split := split_of(name)) is not None}
    chosen = certain or _alike(names)
    if how == "auto":
        _refuse_doubt(tree, base, names, certain)
        chosen = certain
    if how == "folders" and not chosen:
        raise SplitFoldersError("no folder of it is called after a split", _NAMES)
    if not chosen:
        return [(TRAIN, base)]
    _refuse_twice(chosen)
    places = sorted((split, _inner(tree, _joined(base, name))) for name, split in chosen.items())
    if places[0][0] != TRAIN:
        raise SplitFoldersError(
            f"{_quoted(chosen)} are called after splits, and none of them is for training",
            "Add a folder train, or say data.splits=none where these are classes.",
        )
    return places


def splits_notice(splits: Sequence[tuple[int, str]]) -> list[str]:
    """Return a sentence that says which folders are which splits, where other names say it."""
    told = [(SPLIT_NAMES[split], path) for split, path in splits if path]
    if all(word == path for word, path in told):
        return []
    return ["splits: " + ", ".join(f"{word} is {shown_name(path)}" for word, path in told)]


_NAMES = "Call them train, val and test, or say data.splits=none where all folders are classes."


def _refuse_empty(tree: Tree, base: str) -> None:
    """Refuse a split without a usable image beside others: it would go unused in silence."""
    filled = tree.children(base)
    called = [name for name in tree.inside.get(base, ()) if split_of(name) is not None]
    empty = [name for name in called if name not in filled]
    if empty and len(empty) < len(called):
        raise SplitFoldersError(
            f"{_quoted(empty)} {'is' if len(empty) == 1 else 'are'} called after a split and "
            f"hold{'s' * (len(empty) == 1)} no image of a format that PIL reads",
            "Add images, or remove the folder: what is missing is dealt out of training.",
        )


def _refuse_doubt(tree: Tree, base: str, names: Sequence[str], certain: Mapping[str, int]) -> None:
    others = [name for name in names if name not in certain]
    settle = (
        "data.splits=folders takes those called after splits and leaves the others out; "
        "data.splits=none takes all of them as classes"
    )
    if certain and others:
        raise SplitFoldersError(
            f"{_quoted(certain)} {'is' if len(certain) == 1 else 'are'} called after splits, and "
            f"{_quoted(others)} beside {'it' if len(certain) == 1 else 'them'} not",
            f"Say which is meant: {settle}.",
        )
    alike = {} if certain else _alike(names)
    if alike:
        raise SplitFoldersError(
            f"{_quoted(alike)} look like splits", f"Say which is meant: {settle}."
        )
    deeper = [
        _joined(name, inner)
        for name in (() if certain else names)
        if all(split_of(child) is not None for child in tree.children(_joined(base, name)))
        for inner in tree.children(_joined(base, name))
    ]
    if deeper:
        raise SplitFoldersError(
            f"folders called after splits lie within the classes: {shortened(_escaped(deeper))}",
            "Put the classes into the splits (train/cat), give the folder that holds the splits "
            "as data.root, or say data.splits=none, which reads a class's folders as one.",
        )


def _base(tree: Tree) -> str:
    """Return the folder that holds splits or classes: a lone folder around splits is passed by."""
    base, names = "", tree.children("")
    while len(names) == 1 and split_of(names[0]) is None:
        base = _joined(base, names[0])
        names = tree.children(base)
    return base if names and all(split_of(name) is not None for name in names) else ""


def _inner(tree: Tree, path: str) -> str:
    """Return the folder that holds a split's classes: `training_set/training_set` is unpacked."""
    lone = tree.children(path)
    same = len(lone) == 1 and _words(lone[0]) == _words(path.rpartition("/")[2])
    return _inner(tree, _joined(path, lone[0])) if same else path


def _alike(names: Sequence[str]) -> dict[str, int]:
    """Return the splits of names which differ in nothing else: `seg_train` and `seg_test`."""
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    for name in names:
        words = _words(name)
        rest = tuple(word for word in words if word not in SPLIT_WORDS)
        if len(rest) == len(words) - 1:
            (word,) = (word for word in words if word in SPLIT_WORDS)
            groups.setdefault(rest, {})[name] = SPLIT_WORDS[word]
    several = [group for group in groups.values() if len(set(group.values())) > 1]
    return {name: split for group in several for name, split in group.items()}


def _refuse_twice(chosen: Mapping[str, int]) -> None:
    for split in (TRAIN, VAL, TEST):
        same = [name for name in chosen if chosen[name] == split]
        if len(same) > 1:
            raise SplitFoldersError(
                f"{_quoted(same)} are both called after the {SPLIT_NAMES[split]} split",
                "Merge them, or move one away; data.splits=none takes all folders as classes.",
            )


def _words(name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", name)
    return [word.lower() for word in _WORD.findall(text)]


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _escaped(names: Sequence[str]) -> list[str]:
    return [shown_name(name) for name in names]


def _quoted(names: Sequence[str] | Mapping[str, int]) -> str:
    shown = [repr(shown_name(name)) for name in sorted(names)]
    if len(shown) > 5:
        return shortened(shown)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
