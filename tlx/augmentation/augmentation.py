"""What happens to a batch of training images before the network's input pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor
from torchvision.transforms import v2

from tlx.augmentation.draws import draws_of
from tlx.errors import Fault

ImageTransform = Callable[[Tensor], Tensor]
VIEW_STREAM: Final = 1
"""Keeps the draws of views apart from those of steps."""


@dataclass(frozen=True)
class Augmentation:
    """An augmentation: of each image by itself, then of the batch.

    Args:
        name: What the user calls it.
        transform: Maps a uint8 image (channels, h, w) to another of the same shape; draws with
            torch on the CPU. None changes no image.
        mixup_alpha: See `mixed`; 0 does not mix.
        cutmix_alpha: See `mixed`; 0 does not mix.
        views: Number of fixed views that each image has, of which an epoch sees one; None draws
            anew in every step.
    """

    name: str = "none"
    transform: ImageTransform | None = None
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    views: int | None = None

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with each other."""
        return self.mixup_alpha > 0 or self.cutmix_alpha > 0

    @property
    def draws_in_steps(self) -> bool:
        """Whether the images of an epoch are none that were there before."""
        return self.mixes or (self.transform is not None and self.views is None)

    def faults(self) -> list[Fault]:
        """Return where the options contradict each other."""
        if self.views is None or not self.mixes:
            return []
        reason = "views are fixed, mixup and cutmix draw anew in every step"
        remedy = "Leave it out, or set augmentation.mixup_alpha=0 augmentation.cutmix_alpha=0."
        return [Fault("augmentation.views", self.views, reason, remedy)]

    def batch(
        self, images: Tensor, labels: Tensor, *, classes: int, seed: int, epoch: int, step: int
    ) -> tuple[Tensor, Tensor]:
        """Return a training batch as one step sees it, which follows from seed, epoch and step.

        Args:
            images: uint8 pixels, shape (n, channels, h, w).
            labels: Class indices, shape (n,).
            classes: Number of classes.
            seed: The run's seed.
            epoch: Counted from 0.
            step: Counted from 0 in the epoch.

        Returns:
            Images of the same shape and type, and class indices (n,), or class probabilities
            (n, classes) where images are mixed.
        """
        if not self.draws_in_steps:
            return images, labels
        with draws_of(seed, epoch, step):
            changed = images if self.views else each(self.transform, images)
            return mixed(changed, labels, classes, self.mixup_alpha, self.cutmix_alpha)

    def view(self, images: Tensor, *, seed: int, number: int) -> Tensor:
        """Return one fixed view of each image.

        Args:
            images: uint8 pixels, shape (n, channels, h, w).
            seed: The run's seed.
            number: Which view, from 0.
        """
        with draws_of(seed, number, 0, VIEW_STREAM):
            return each(self.transform, images)


def each(transform: ImageTransform | None, images: Tensor) -> Tensor:
    """Return images (n, channels, h, w), each with draws of its own."""
    if transform is None or len(images) == 0:
        return images
    return torch.stack([transform(image) for image in images])


def mixed(
    images: Tensor, labels: Tensor, classes: int, mixup_alpha: float, cutmix_alpha: float
) -> tuple[Tensor, Tensor]:
    """Return a batch whose images are mixed with their neighbours in it.

    Mixup (Zhang et al. 2018) adds two images, cutmix (Yun et al. 2019) puts a box of one into the
    other; the share of each is drawn once per batch from Beta(alpha, alpha), and so is which of
    both happens, where both are asked for.

    Args:
        images: uint8 pixels, shape (n, channels, h, w).
        labels: Class indices, shape (n,).
        classes: Number of classes.
        mixup_alpha: 0 leaves mixup out.
        cutmix_alpha: 0 leaves cutmix out.

    Returns:
        uint8 images of the same shape, and class probabilities (n, classes); without any mixing
        what was given.
    """
    ways: list[Any] = []
    if mixup_alpha > 0:
        ways.append(v2.MixUp(alpha=mixup_alpha, num_classes=classes))
    if cutmix_alpha > 0:
        ways.append(v2.CutMix(alpha=cutmix_alpha, num_classes=classes))
    if not ways:
        return images, labels
    way = ways[int(torch.randint(len(ways), ()))]
    # Sums of pixels are no whole numbers; half a grey level is lost by rounding them.
    pixels, probabilities = way(images.float(), labels)
    return cast(Tensor, pixels.round_().clamp_(0, 255).to(torch.uint8)), probabilities
