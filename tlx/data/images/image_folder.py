"""Images in folders that are named after their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tlx.data.images.files.class_folders import (
    ClassFolder,
    class_folders,
    meant_in_training,
    name_notices,
    twice_named,
)
from tlx.data.images.files.file_account import account_of
from tlx.data.images.files.file_walk import Walked, inside_each, walked
from tlx.data.images.files.split_folders import (
    SplitFoldersError,
    Splits,
    Tree,
    split_folders,
    splits_notice,
)
from tlx.data.images.image_options import ImageOptions
from tlx.data.images.listing import Listing
from tlx.data.splitting import TRAIN
from tlx.errors import Fault
from tlx.texts.file_paths import FilePath
from tlx.texts.names import shortened, shown_name

KEY = "data.root"


@dataclass(frozen=True, kw_only=True)
class ImageFolder(ImageOptions):
    """Images of a folder, one subfolder per class.

    Either the folder holds splits, `train/` and, if it likes, `val/` and `test/` by any of their
    usual names (`split_folders`), each with the folders of the classes; or it holds these itself,
    and all is dealt out. A split that is missing is dealt out of the training images.
    Classes' folders may be nested deeper; `tlx.data.images.files.file_walk` says which files are
    images.

    Args:
        root: The folder.
        splits: `auto` tells splits from classes by the names of all folders, and refuses what is
            not clear; `folders` takes the folders called after splits and leaves the others out;
            `none` takes all folders as classes.
    """

    root: FilePath
    splits: Splits = "auto"

    def listed(self) -> Listing | list[Fault]:
        """Return the images that there are, or what is wrong with the folder."""
        root = Path(self.root)
        if not root.is_dir():
            reason = "it is no folder" if root.exists() else "there is no such folder"
            remedy = f"Give the path of a folder of images (looked for {root.absolute()})."
            return [Fault(KEY, self.root, reason, remedy)]
        walk = walked(root)
        inside = inside_each(walk.folders)
        try:
            splits = split_folders(Tree(inside, _filled(walk)), self.splits)
        except SplitFoldersError as error:
            return walk.faults(KEY) or [Fault(KEY, self.root, error.reason, error.remedy)]
        folders = class_folders(splits, inside)
        return walk.faults(KEY) or _faults(walk, splits, folders) or _listing(walk, splits, folders)


def _filled(walk: Walked) -> frozenset[str]:
    """Return the folders that hold an image, at whatever depth."""
    filled: set[str] = set()
    for folder in {name.rpartition("/")[0] for name in walk.images}:
        path = folder
        while path and path not in filled:
            filled.add(path)
            path = path.rpartition("/")[0]
    return frozenset(filled)


def _faults(
    walk: Walked, splits: Sequence[tuple[int, str]], folders: Sequence[ClassFolder]
) -> list[Fault]:
    trained = [folder.name for folder in folders if folder.split == TRAIN]
    if not trained:
        place = walk.root / splits[0][1]
        reason = f"{place} holds no folder; there must be one per class"
        remedy = "Sort the images into folders."
        if splits != [(TRAIN, "")]:
            remedy += " Where train and the like are classes, say data.splits=none."
        return [Fault(KEY, walk.root, reason, remedy)]
    twice = twice_named(folders)
    if twice:
        reason = f"folders of one split have the same name in other forms: {shortened(twice)}"
        return [Fault(KEY, walk.root, reason, "Merge them, or rename one.")]
    return _empty(walk, folders) or _untrained(walk, folders, trained)


def _empty(walk: Walked, folders: Sequence[ClassFolder]) -> list[Fault]:
    filled = _filled(walk)
    found = sorted(shown_name(folder.path) for folder in folders if folder.path not in filled)
    if not found:
        return []
    reason = f"classes without an image: {shortened(found)}"
    remedy = "Add images of a format that PIL reads, or remove the folder."
    return [Fault(KEY, walk.root, reason, remedy)]


def _untrained(walk: Walked, folders: Sequence[ClassFolder], trained: Sequence[str]) -> list[Fault]:
    extra = sorted(
        shown_name(folder.path) + meant_in_training(folder.name, trained)
        for folder in folders
        if folder.name not in trained
    )
    if not extra:
        return []
    reason = f"classes that training does not have: {shortened(extra)}"
    return [Fault(KEY, walk.root, reason, "Add them to train, or remove them.")]


def _listing(
    walk: Walked, splits: Sequence[tuple[int, str]], folders: Sequence[ClassFolder]
) -> Listing:
    classes = sorted({folder.name for folder in folders})
    number = {name: label for label, name in enumerate(classes)}
    images, outside = _by_folder(walk, folders)
    names = [name for folder in folders for name in images[folder.path]]
    labels = [number[folder.name] for folder in folders for _ in images[folder.path]]
    given = [folder.split for folder in folders for _ in images[folder.path]]
    return Listing(
        walk.root,
        tuple(names),
        np.asarray(labels, np.int64),
        np.asarray(given, np.int8),
        tuple(classes),
        account=account_of(walk, len(names), outside),
        notices=(*splits_notice(splits), *name_notices(folders)),
    )


def _by_folder(
    walk: Walked, folders: Sequence[ClassFolder]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the images of each class's folder, and the files that lie in none of them."""
    images: dict[str, list[str]] = {folder.path: [] for folder in folders}
    depth = max(folder.path.count("/") for folder in folders) + 1
    outside = []
    for name in walk.images:
        place = _class_folder(name, images, depth)
        if place is None:
            outside.append(name)
        else:
            images[place].append(name)
    for name, why in walk.left_out:
        if why == "other_suffix" and _class_folder(name, images, depth) is None:
            outside.append(name)
    return images, outside


def _class_folder(name: str, images: dict[str, list[str]], depth: int) -> str | None:
    parts = name.split("/")[:-1]
    paths = ("/".join(parts[:count]) for count in range(1, min(depth, len(parts)) + 1))
    return next((path for path in paths if path in images), None)
