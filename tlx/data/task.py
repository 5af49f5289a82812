"""A classification task in memory: images, labels and the three splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Split:
    """The images of one split.

    Args:
        images: uint8 pixels, shape (n, channels, height, width); channels is 1 or 3. Of a table,
            float32 features, shape (n, features).
        labels: int64 class indices, shape (n,).
        sample_ids: int64 position of each image in its source data set, shape (n,).
    """

    images: Tensor
    labels: Tensor
    sample_ids: Tensor

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class ImageTask:
    """A classification task: what the classes are called, and the images to learn and judge by.

    Args:
        name: The task's name (`digits`).
        class_names: One name per class index.
        train: Images to learn from.
        val: Images to choose epochs and settings by.
        test: Images to report on, once.
        fingerprint: SHA-256 over content, labels and order of all splits, in hexadecimal.
        about: Where the images come from, as plain values for the record.
        files: What a run keeps of the task in its folder: plain values by the name of a JSON file.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    fingerprint: str
    about: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
