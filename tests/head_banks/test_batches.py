from __future__ import annotations

import pytest
import torch
from torch.utils.data import DistributedSampler

from tlx.data.batches import TaskDataModule
from tlx.data.task import Split, Task, splits_of
from tlx.head_banks.batches import batch_bounds, epoch_order
from tlx.head_banks.gathering import Batches
from tlx.head_banks.member import FeatureSplit


@pytest.mark.parametrize("images", [1, 2, 7, 8, 9, 10, 17])
@pytest.mark.parametrize("batch_size", [1, 4, 8])
def test_batches_are_those_of_the_data_module(images: int, batch_size: int) -> None:
    numbers = torch.arange(images)
    split = Split(numbers.view(-1, 1, 1, 1), numbers % 3, numbers)
    task = Task("numbers", ("a", "b", "c"), splits_of(split, split, split), "")
    loader = TaskDataModule(task, batch_size=batch_size, seed=5).train_dataloader()
    bounds = batch_bounds(images, batch_size)
    own = Batches([FeatureSplit(numbers.view(-1, 1).float(), numbers % 3)], [5], bounds, 3)
    assert len(bounds) == len(loader)
    for epoch in (0, 3):
        assert isinstance(loader.sampler, DistributedSampler)
        loader.sampler.set_epoch(epoch)
        expected = [batch.flatten().tolist() for batch, _ in loader]
        order = epoch_order(images, 5, epoch).tolist()
        assert [order[first:end] for first, end in bounds] == expected
        found = []
        for features, labels, one_hot in own.of_epoch(epoch):
            assert (features[0, :, 0].long() % 3).equal(labels[0])
            assert one_hot[0].argmax(dim=0).equal(labels[0])
            found.append(features[0, :, 0].tolist())
        assert found == expected


def test_batches_of_several_groups_keep_their_own_data_and_order() -> None:
    one = FeatureSplit(torch.arange(6.0).view(6, 1), torch.zeros(6, dtype=torch.int64))
    two = FeatureSplit(one.features + 10, one.labels + 1)
    batches = Batches([one, two, one], [0, 0, 1], batch_bounds(6, 4), 2)
    features, labels, _ = next(batches.of_epoch(2))
    first, second = epoch_order(6, 0, 2)[:4], epoch_order(6, 1, 2)[:4]
    expected = [first.float(), first.float() + 10, second.float()]
    assert features[:, :, 0].equal(torch.stack(expected))
    assert labels.tolist() == [[0] * 4, [1] * 4, [0] * 4]
