"""Images in folders that are named after their classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tlx.data.dealing import TRAIN
from tlx.data.image_options import ImageOptions
from tlx.data.listing import SPLIT_WORDS, Listing, shortened
from tlx.errors import Fault


@dataclass(frozen=True, kw_only=True)
class ImageFolder(ImageOptions):
    """Images of a folder, one subfolder per class.

    Either the folder holds `train/` and, if it likes, `val/` (or `valid/`, `validation/`) and
    `test/`, each with the folders of the classes; or it holds these itself, and all is dealt out.
    A split that is missing is dealt out of the training images. Folders may be nested deeper; what
    has not the suffix of an image format is left out.

    Args:
        root: The folder.
    """

    root: str

    def listed(self) -> Listing | list[Fault]:
        """Return the images that there are, or what is wrong with the folder."""
        root = Path(self.root)
        if not root.is_dir():
            reason = "it is no folder" if root.exists() else "there is no such folder"
            remedy = f"Give the path of a folder of images (looked for {root.absolute()})."
            return [Fault("data.root", self.root, reason, remedy)]
        splits = _split_folders(root)
        classes = sorted(_folders(splits[0][1]))
        if not classes:
            reason = f"{splits[0][1]} holds no folder; there must be one per class"
            return [Fault("data.root", self.root, reason, "Sort the images into folders.")]
        return (
            _empty(root, splits)
            or _unknown(root, splits, classes)
            or _listing(root, splits, classes)
        )


def _split_folders(root: Path) -> list[tuple[int, Path]]:
    """Return the split and the folder of each; the training images come first."""
    if not (root / "train").is_dir():
        return [(TRAIN, root)]
    return [(split, root / word) for word, split in SPLIT_WORDS.items() if (root / word).is_dir()]


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]


def _images(folder: Path) -> Iterator[str]:
    """Yield the paths of a folder's images, relative to it, in no order."""
    from tlx.data.image_limits import image_suffixes

    seen: set[str] = set()
    for here, inside, files in os.walk(folder, followlinks=True):
        if os.path.realpath(here) in seen:  # a link that leads back up
            inside.clear()
            continue
        seen.add(os.path.realpath(here))
        inner = os.path.relpath(here, folder)
        for name in files:
            if Path(name).suffix.lower() in image_suffixes() and not name.startswith("."):
                yield name if inner == "." else f"{Path(inner).as_posix()}/{name}"


def _empty(root: Path, splits: list[tuple[int, Path]]) -> list[Fault]:
    found = [
        (folder / name).relative_to(root).as_posix()
        for _, folder in splits
        for name in sorted(_folders(folder))
        if next(_images(folder / name), None) is None
    ]
    if not found:
        return []
    reason = f"classes without an image: {shortened(found)}"
    remedy = "Add images of a format that PIL reads, or remove the folder."
    return [Fault("data.root", root, reason, remedy)]


def _unknown(root: Path, splits: list[tuple[int, Path]], classes: list[str]) -> list[Fault]:
    extra = [
        (folder / name).relative_to(root).as_posix()
        for _, folder in splits[1:]
        for name in sorted(set(_folders(folder)) - set(classes))
    ]
    if not extra:
        return []
    reason = f"classes that training does not have: {shortened(extra)}"
    return [Fault("data.root", root, reason, "Add them to train, or remove them.")]


def _listing(root: Path, splits: list[tuple[int, Path]], classes: list[str]) -> Listing:
    names: list[str] = []
    labels: list[int] = []
    given: list[int] = []
    for split, folder in splits:
        for label, name in enumerate(classes):
            if not (folder / name).is_dir():
                continue
            prefix = (folder / name).relative_to(root).as_posix()
            found = sorted(_images(folder / name))
            names += [f"{prefix}/{image}" for image in found]
            labels += [label] * len(found)
            given += [split] * len(found)
    return Listing(
        root, tuple(names), np.asarray(labels, np.int64), np.asarray(given, np.int8), tuple(classes)
    )
