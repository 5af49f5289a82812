"""A task of images that are made up from a seed: as large as CIFAR's, for timing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tlx.config.typed.quoting import in_quotes
from tlx.data.source import Given
from tlx.data.splits import task_fingerprint
from tlx.data.task import Split, Task, splits_of

if TYPE_CHECKING:
    from torch import Tensor

    from tlx.errors import Fault

Count = Annotated[int, Field(ge=1)]
CONFIG_DIR = Path(__file__).parent / "conf"
SEARCH_PATH = f"hydra.searchpath=[{in_quotes(str(CONFIG_DIR))}]"
"""Lets tlx's commands find `data=made_up`."""
NOISE = 40.0
"""Standard deviation of the noise, in grey levels."""
PATCHES = 4


@dataclass(frozen=True)
class MadeUpImages:
    """Noisy images of coarse colour patterns, one pattern per class.

    Args:
        train_size: Training images.
        val_size: Validation images.
        test_size: Test images.
        side: Pixels of the square images.
        classes: How many classes.
        seed: Patterns and noise follow from it.
    """

    gives: ClassVar[Given] = Given()

    train_size: Count = 5000
    val_size: Count = 500
    test_size: Count = 500
    side: Count = 32
    classes: Count = 10
    seed: int = 0

    def faults(self) -> list[Fault]:
        """Return nothing: all sizes are possible."""
        return []

    def load(self) -> Task:
        """Return the task; images have shape (n, 3, side, side), uint8."""
        images, labels = self._images()
        ends = [self.train_size, self.train_size + self.val_size, len(labels)]
        starts = [0, *ends[:-1]]
        train, val, test = (_split(images, labels, a, b) for a, b in zip(starts, ends, strict=True))
        names = tuple(f"class {i}" for i in range(self.classes))
        splits = splits_of(train, val, test)
        fingerprint = task_fingerprint(splits)
        return Task("made_up", names, splits, fingerprint)

    def _images(self) -> tuple[Tensor, Tensor]:
        import torch

        generator = torch.Generator().manual_seed(self.seed)
        count = self.train_size + self.val_size + self.test_size
        labels = torch.arange(count) % self.classes
        coarse = 255 * torch.rand(self.classes, 3, PATCHES, PATCHES, generator=generator)
        patterns = torch.nn.functional.interpolate(coarse, size=self.side)
        images = torch.empty(count, 3, self.side, self.side, dtype=torch.uint8)
        for image, label in zip(images, labels, strict=True):
            noise = NOISE * torch.randn(3, self.side, self.side, generator=generator)
            image.copy_((patterns[label] + noise).clamp(0, 255))
        return images, labels


def _split(images: Tensor, labels: Tensor, first: int, end: int) -> Split:
    import torch

    return Split(images[first:end], labels[first:end], torch.arange(first, end))
