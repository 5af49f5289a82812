"""Folders of images for tests, and the data that they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.data.pictures import folder_of
from tlx.data.images.image_folder import ImageFolder


def images(root: Path, **options: Any) -> ImageFolder:
    """Return the data of a folder of images, small and cached beside it."""
    defaults = {"size": 8, "cache": str(root.parent / "cache"), "threads": 2}
    return ImageFolder(root=str(root), **(defaults | options))


def split_folder(tmp_path: Path) -> Path:
    """Write a folder of two classes in three splits."""
    counts = {
        "train/cat": 8, "train/dog": 6, "val/cat": 2, "val/dog": 2, "test/cat": 3, "test/dog": 4,
    }  # fmt: skip
    return folder_of(tmp_path / "pets", counts)


def plain_folder(tmp_path: Path) -> Path:
    """Write a folder of two classes without splits."""
    return folder_of(tmp_path / "pets", {"cat": 20, "dog": 30})


def faults(root: Path, **options: Any) -> list[str]:
    """Return what is wrong with a folder of images and its options, as texts."""
    return [str(fault) for fault in images(root, **options).faults()]
