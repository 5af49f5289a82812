"""Batches of a task for Lightning: one stream of them, or several side by side."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import CombinedLoader
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Sampler, SequentialSampler

from tlx.data.task import TARGET, Split, Task, UnlabeledSplit
from tlx.runs.mapped_files import refuse_changed

Batch = tuple[Tensor, Tensor]
EVALUATION_BATCH_SIZE: Final = 256
"""How many inputs are computed at a time where nothing is trained, unless somebody asks."""
SEED_STRIDE: Final = 1_000_003
"""What is drawn in an epoch is seeded with `seed * SEED_STRIDE + epoch`: far apart, neighbouring
seeds share nothing."""


class InMemoryBatches(Dataset[Batch]):
    """A split that answers a list of indices with one batch, without a copy per input.

    Args:
        split: The inputs and labels.
    """

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.split)

    def __getitem__(self, index: int) -> Batch:
        """Return one image (channels, h, w) and its class index ()."""
        return self.split.inputs[index], self.split.labels[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return images (n, channels, h, w) and class indices (n,)."""
        chosen = torch.as_tensor(indices)
        return self.split.inputs[chosen], self.split.labels[chosen]


class UnlabeledBatches(Dataset[tuple[Tensor, None]]):
    """A split without labels, in batches like those of one that has some.

    Args:
        split: The inputs.
    """

    def __init__(self, split: UnlabeledSplit) -> None:
        self.split = split

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.split)

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, None]:
        """Return inputs (n, ...), and None in the place of labels."""
        return self.split.inputs[torch.as_tensor(indices)], None


class StreamOrder(Sampler[int]):
    """The order of a further stream's inputs: one shuffled pass after another.

    Args:
        inputs: How many there are.
        wanted: How many an epoch takes.
        seed: The order follows from it and from the epoch.
    """

    def __init__(self, inputs: int, wanted: int, seed: int) -> None:
        self.inputs = inputs
        self.wanted = wanted
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes, as Lightning does."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return how many positions an epoch takes."""
        return self.wanted

    def __iter__(self) -> Iterator[int]:
        """Yield this epoch's positions.

        Raises:
            MappedFileChangedError: Where a file that inputs are read from was cut off.
        """
        refuse_changed()
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        passes = -(-self.wanted // self.inputs)
        orders = [torch.randperm(self.inputs, generator=generator) for _ in range(passes)]
        yield from torch.cat(orders)[: self.wanted].tolist()


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
    """The splits of a task as data loaders.

    The order of the training images follows from the seed and the epoch alone, so a resumed fit
    sees the same batches as an unbroken one. A last batch of a single image is left out, since
    batch norm cannot be trained on it.

    Args:
        task: The task.
        batch_size: Images per training batch.
        seed: The order of the training images follows from it.
        evaluation_batch_size: Images per batch where nothing is trained.
        views: How many views of each image the training images are; an epoch takes one of each.
        streams: Splits whose batches each training step takes beside those of `train`; an epoch
            is one pass over `train`, however long the others are.

    Raises:
        TlxError: Where the task lacks one of the streams.
    """

    def __init__(
        self,
        task: Task,
        *,
        batch_size: int,
        seed: int,
        evaluation_batch_size: int = EVALUATION_BATCH_SIZE,
        views: int = 1,
        streams: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.task = task
        self.batch_size = batch_size
        self.seed = seed
        self.evaluation_batch_size = evaluation_batch_size
        self.views = views
        self.streams = {name: task.split(name) for name in streams}

    def train_dataloader(self) -> DataLoader[Batch] | CombinedLoader:
        """Return shuffled training batches; of several streams, mappings with one batch of each."""
        data = InMemoryBatches(self.task.train)
        target = self._shuffled(data, ViewOrder(data, self.views, self.seed * SEED_STRIDE))
        if not self.streams:
            return target
        loaders = {name: self._further(name, split) for name, split in self.streams.items()}
        return CombinedLoader({TARGET: target, **loaders}, "min_size")

    def _further(self, name: str, split: Split | UnlabeledSplit) -> DataLoader[Any]:
        data: InMemoryBatches | UnlabeledBatches
        data = InMemoryBatches(split) if isinstance(split, Split) else UnlabeledBatches(split)
        seed = self.seed * SEED_STRIDE + zlib.crc32(name.encode())
        return self._shuffled(data, StreamOrder(len(data), self._inputs_per_epoch, seed))

    @property
    def _inputs_per_epoch(self) -> int:
        return len(self.task.train) // self.views

    def _shuffled(self, data: Dataset[Any], order: Sampler[Any]) -> DataLoader[Any]:
        inputs = self._inputs_per_epoch
        is_last_alone = inputs > 1 and inputs % self.batch_size == 1
        return DataLoader(
            data, self.batch_size, sampler=order, collate_fn=_as_is, drop_last=is_last_alone
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return validation batches in order."""
        return self._in_order(self.task.val)

    def _in_order(self, split: Split) -> DataLoader[Batch]:
        data = InMemoryBatches(split)
        order = InOrder(data)
        return DataLoader(data, self.evaluation_batch_size, sampler=order, collate_fn=_as_is)


def in_order(inputs: Tensor, batch_size: int = EVALUATION_BATCH_SIZE) -> Iterator[Tensor]:
    """Yield inputs (n, ...) some at a time; they may be on disk until they are asked for."""
    for first in range(0, len(inputs), batch_size):
        yield inputs[first : first + batch_size]


def _as_is(batch: Any) -> Any:
    return batch
