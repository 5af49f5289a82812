from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tlx.data.batches import InMemoryBatches, StreamOrder, TaskDataModule
from tlx.data.task import Split, Task, UnlabeledSplit, splits_of
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


def streams(**splits: Split | UnlabeledSplit) -> TaskDataModule:
    task = Task(
        "numbers", ("a", "b", "c"), splits_of(split(0, 13), split(100, 9), split(150, 5)), ""
    )
    wide = task.with_splits(**splits)
    return TaskDataModule(wide, batch_size=6, seed=0, streams=tuple(splits))


def values(batch: torch.Tensor) -> list[int]:
    found: list[int] = batch[:, 0, 0, 0].tolist()
    return found


def test_further_streams_are_as_long_as_the_training_split_whatever_their_length() -> None:
    data = streams(source=split(30, 5), unlabeled=split(60, 40).without_labels())
    steps = [batch for batch, _, _ in data.train_dataloader()]
    # One training image of 13 would be alone in its batch, and is left out.
    assert [[len(values(step[name][0])) for step in steps] for name in steps[0]] == [[6, 6]] * 3
    seen = {name: [v for step in steps for v in values(step[name][0])] for name in steps[0]}
    assert set(seen["source"][:5]) == set(seen["source"][5:10]) == set(range(30, 35))
    assert len(set(seen["unlabeled"])) == 12
    assert set(seen["unlabeled"]) <= set(range(60, 100))
    assert all(step["unlabeled"][1] is None for step in steps)
    for step in steps:
        inputs, labels = step["source"]
        assert labels.equal((inputs[:, 0, 0, 0].long() - 30) % 3)


def test_further_streams_leave_the_target_batches_as_they_are() -> None:
    alone = [values(images) for images, _ in module(13).train_dataloader()]
    beside = [
        values(step["target"][0]) for step, _, _ in streams(source=split(30, 5)).train_dataloader()
    ]
    assert alone == beside


def test_order_of_a_stream_follows_from_seed_and_epoch_and_passes_differ() -> None:
    def drawn(epoch: int, seed: int = 7) -> list[int]:
        found = StreamOrder(4, 10, seed)
        found.set_epoch(epoch)
        assert len(found) == 10
        return list(found)

    assert drawn(0) == drawn(0) != drawn(1)
    assert drawn(0, seed=8) != drawn(0)
    assert all(set(drawn(e)[:4]) == set(drawn(e)[4:8]) == {0, 1, 2, 3} for e in range(5))
    assert any(drawn(e)[:4] != drawn(e)[4:8] for e in range(5))
