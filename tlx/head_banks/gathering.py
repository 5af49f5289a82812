"""The batches of a stack: each group's images in its own order, gathered in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from tlx.head_banks.batches import epoch_order
from tlx.head_banks.member import FeatureSplit
from tlx.runs.mapped_files import refuse_changed


class Batches:
    """Training batches of groups with equally many images.

    Args:
        splits: Each group's training images; groups may share them.
        seeds: Each group's order follows from its seed.
        bounds: First and past-the-last place of each batch.
        classes: Number of classes.
    """

    def __init__(
        self,
        splits: Sequence[FeatureSplit],
        seeds: Sequence[int],
        bounds: Sequence[tuple[int, int]],
        classes: int,
    ) -> None:
        own = by_split(splits)
        self.images = len(splits[0])
        self.seeds = seeds
        self.bounds = bounds
        one = len(own) == 1
        self._features = own[0][0].features if one else torch.cat([s.features for s, _ in own])
        self._labels = own[0][0].labels if one else torch.cat([s.labels for s, _ in own])
        starts = {group: place * self.images for place, (_, gs) in enumerate(own) for group in gs}
        self._starts = [starts[group] for group in range(len(splits))]
        self._buffer = self._features[:0]
        self._identity = torch.eye(classes, device=self._features.device)

    def of_epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield the batches of an epoch (counted from 0), each good until the next.

        Yields:
            Features (groups, images, ...), labels (groups, images), and the labels' one-hot
            vectors (groups, classes, images).
        """
        pairs = zip(self.seeds, self._starts, strict=True)
        refuse_changed()
        orders = [epoch_order(self.images, seed, epoch) + start for seed, start in pairs]
        order = torch.stack(orders).to(self._features.device)
        groups, shape = len(orders), self._features.shape[1:]
        for first, end in self.bounds:
            index = order[:, first:end].reshape(-1)
            features = self._gathered(index).view(groups, end - first, *shape)
            labels = self._labels.index_select(0, index)
            one_hot = self._identity.index_select(0, labels).view(groups, end - first, -1)
            yield features, labels.view(groups, -1), one_hot.transpose(1, 2)

    def _gathered(self, index: Tensor) -> Tensor:
        if len(self._buffer) != len(index):  # the last batch of an epoch may be smaller
            self._buffer = self._features.new_empty(len(index), *self._features.shape[1:])
        return torch.index_select(self._features, 0, index, out=self._buffer)


def by_split(splits: Sequence[FeatureSplit]) -> list[tuple[FeatureSplit, list[int]]]:
    """Return each distinct split with the positions at which it stands."""
    found: dict[tuple[int, int], tuple[FeatureSplit, list[int]]] = {}
    for position, split in enumerate(splits):
        key = (id(split.features), id(split.labels))
        found.setdefault(key, (split, []))[1].append(position)
    return list(found.values())
