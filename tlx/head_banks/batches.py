"""The order of a job's training images, as `TaskDataModule` deals them to a job alone."""

from __future__ import annotations

import torch
from torch import Tensor

from tlx.data.batches import SEED_STRIDE


def batch_bounds(images: int, batch_size: int) -> list[tuple[int, int]]:
    """Return first and past-the-last place of each batch of an epoch.

    Args:
        images: Training images.
        batch_size: Images per batch; a last batch of a single image is left out.
    """
    lone_image = images > 1 and images % batch_size == 1
    end = images - 1 if lone_image else images
    return [(first, min(first + batch_size, end)) for first in range(0, end, batch_size)]


def epoch_order(images: int, seed: int, epoch: int) -> Tensor:
    """Return the order of the training images in an epoch, shape (images,), int64.

    This is what `torch.utils.data.DistributedSampler` draws for one replica.

    Args:
        images: Training images.
        seed: The job's seed.
        epoch: Counted from 0.
    """
    generator = torch.Generator().manual_seed(seed * SEED_STRIDE + epoch)
    return torch.randperm(images, generator=generator)
