"""Batches of a task for Lightning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Sampler, SequentialSampler

from tlx.data.task import Split, Task
from tlx.runs.mapped_files import refuse_changed

Batch = tuple[Tensor, Tensor]
SEED_STRIDE = 1_000_003


class InMemoryBatches(Dataset[Batch]):
    """A split that answers a list of indices with one batch, without a copy per image.

    Args:
        split: The images and labels.
    """

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.split)

    def __getitem__(self, index: int) -> Batch:
        """Return one image (channels, h, w) and its class index ()."""
        return self.split.inputs[index], self.split.labels[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return images (n, channels, h, w) and class indices (n,)."""
        chosen = torch.as_tensor(indices)
        return self.split.inputs[chosen], self.split.labels[chosen]


class ViewOrder(DistributedSampler[Any]):
    """The order of an epoch's images where each has several views, one below the other.

    Epoch after epoch takes the next view of every image.

    Args:
        data: The views of all images: all first ones before all second ones.
        views: Number of views of each image.
        seed: The order follows from it and from the epoch.
    """

    def __init__(self, data: InMemoryBatches, views: int, seed: int) -> None:
        self.images = len(data) // views
        self.views = views
        super().__init__(range(self.images), num_replicas=1, rank=0, seed=seed)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        """Yield the positions of this epoch's views.

        Raises:
            MappedFileChangedError: Where a file that images are read from was cut off.
        """
        refuse_changed()
        first = self.images * (self.epoch % self.views)
        return (first + index for index in super().__iter__())


class InOrder(SequentialSampler):
    """All examples, in order; what they are read from is looked at first."""

    def __iter__(self) -> Iterator[int]:
        """Yield the positions.

        Raises:
            MappedFileChangedError: Where a file that images are read from was cut off.
        """
        refuse_changed()
        return super().__iter__()


class TaskDataModule(LightningDataModule):
    """The three splits of a task as data loaders.

    The order of the training images follows from the seed and the epoch alone, so a resumed fit
    sees the same batches as an unbroken one. A last batch of a single image is left out, since
    batch norm cannot be trained on it.

    Args:
        task: The task.
        batch_size: Images per training batch.
        seed: The order of the training images follows from it.
        evaluation_batch_size: Images per batch where nothing is trained.
        views: How many views of each image the training images are; an epoch takes one of each.
    """

    def __init__(
        self,
        task: Task,
        *,
        batch_size: int,
        seed: int,
        evaluation_batch_size: int = 256,
        views: int = 1,
    ) -> None:
        super().__init__()
        self.task = task
        self.batch_size = batch_size
        self.seed = seed
        self.evaluation_batch_size = evaluation_batch_size
        self.views = views

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return shuffled training batches."""
        data = InMemoryBatches(self.task.train)
        # The sampler adds the epoch to its seed: far apart, neighbouring seeds share no order.
        sampler: Sampler[Any] = ViewOrder(data, self.views, self.seed * SEED_STRIDE)
        images = len(data) // self.views
        lone_image = images > 1 and images % self.batch_size == 1
        return DataLoader(
            data, self.batch_size, sampler=sampler, collate_fn=_as_is, drop_last=lone_image
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return validation batches in order."""
        return self._in_order(self.task.val)

    def _in_order(self, split: Split) -> DataLoader[Batch]:
        data = InMemoryBatches(split)
        order = InOrder(data)
        return DataLoader(data, self.evaluation_batch_size, sampler=order, collate_fn=_as_is)


def _as_is(batch: Any) -> Any:
    return batch
