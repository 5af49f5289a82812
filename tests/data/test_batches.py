from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tlx.data.batches import InMemoryBatches, TaskDataModule
from tlx.data.task import Split, Task, splits_of
from tlx.runs.mapped_files import MappedFileChangedError, watch


def split(first: int, count: int) -> Split:
    images = torch.arange(first, first + count, dtype=torch.uint8).reshape(-1, 1, 1, 1)
    return Split(images.expand(-1, 1, 2, 2), torch.arange(count) % 3, torch.arange(count) + first)


def module(images: int = 20, *, batch_size: int = 6, seed: int = 0) -> TaskDataModule:
    names = ("a", "b", "c")
    task = Task("numbers", names, splits_of(split(0, images), split(100, 9), split(150, 5)), "none")
    return TaskDataModule(task, batch_size=batch_size, seed=seed, evaluation_batch_size=4)


def order(loader: DataLoader[tuple[torch.Tensor, torch.Tensor]], epoch: int) -> list[int]:
    """Return which images a loader gives in an epoch."""
    set_epoch = getattr(loader.sampler, "set_epoch")  # noqa: B009 - as Lightning does
    set_epoch(epoch)
    return [int(i) for images, _ in loader for i in images[:, 0, 0, 0]]


def test_training_order_follows_from_seed_and_epoch_alone() -> None:
    loader = module().train_dataloader()
    first = [order(loader, epoch) for epoch in range(3)]
    torch.manual_seed(1)
    again = module().train_dataloader()
    assert [order(again, epoch) for epoch in (2, 0, 1)] == [first[2], first[0], first[1]]


def test_training_order_differs_between_epochs_and_seeds() -> None:
    orders = [
        order(module(seed=seed).train_dataloader(), epoch)
        for seed in range(4)
        for epoch in range(4)
    ]
    assert len({tuple(o) for o in orders}) == 16


@pytest.mark.parametrize(
    ("images", "batch_size", "sizes"),
    [
        (20, 6, [6, 6, 6, 2]),
        (18, 6, [6, 6, 6]),
        (19, 6, [6, 6, 6]),  # a lone last image cannot train batch norm
        (1, 6, [1]),
        (7, 32, [7]),
        (3, 1, [1, 1, 1]),
    ],
)
def test_training_batches_leave_out_only_a_lone_last_image(
    images: int, batch_size: int, sizes: list[int]
) -> None:
    loader = module(images, batch_size=batch_size).train_dataloader()
    assert [len(labels) for _, labels in loader] == sizes
    seen = order(loader, 0)
    assert len(set(seen)) == len(seen) == sum(sizes)
    assert len(loader) == len(sizes)


def test_training_left_out_image_differs_between_epochs() -> None:
    loader = module(13, batch_size=6).train_dataloader()
    left_out = {tuple(set(range(13)) - set(order(loader, epoch))) for epoch in range(8)}
    assert all(len(images) == 1 for images in left_out)
    assert len(left_out) > 1


def test_batches_pair_each_image_with_its_label() -> None:
    for images, labels in module().train_dataloader():
        assert labels.equal(images[:, 0, 0, 0].long() % 3)
        assert images.dtype == torch.uint8


def test_evaluation_batches_are_whole_and_in_order() -> None:
    data = module()
    batches = list(data.val_dataloader())
    assert [len(labels) for _, labels in batches] == [4, 4, 1]
    seen = torch.cat([images[:, 0, 0, 0] for images, _ in batches])
    assert seen.tolist() == list(range(100, 109))


def test_in_memory_batches_answer_single_indices_too() -> None:
    data = InMemoryBatches(split(5, 4))
    image, label = data[2]
    assert (len(data), image.shape, int(image[0, 0, 0]), int(label)) == (4, (1, 2, 2), 7, 2)


def test_batches_of_a_mapped_file_cut_off_between_epochs_end_in_a_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4096, 1, 8, 8), np.uint8))
    array = np.load(tmp_path / "a.npy", mmap_mode="c")
    watch(array, tmp_path / "a.npy")
    whole = Split(torch.from_numpy(array), torch.zeros(4096).long(), torch.arange(4096))
    task = Task("t", ("a",), splits_of(whole, whole, whole), "f")
    data = TaskDataModule(task, batch_size=2048, seed=0)
    train, val = data.train_dataloader(), data.val_dataloader()
    assert (len(list(train)), len(list(val))) == (2, 16)
    os.truncate(tmp_path / "a.npy", 4096)
    for loader in (train, val):
        with pytest.raises(MappedFileChangedError, match=r"a\.npy was cut off at 4096 of 262272 b"):
            list(loader)
