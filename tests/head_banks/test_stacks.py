from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from tests.head_banks.alone import feature_split, member
from tlx.head_banks.stacks import find_stacks
from tlx.optimization.optimizers import adamw, sgd
from tlx.optimization.schedules import one_cycle

TRAIN, OTHER, LONGER = (feature_split(n, 8, seed=n) for n in (20, 21, 50))
SMALLER = feature_split(20, 8, seed=5)


def stacks_of(*settings: dict[str, Any]) -> list[tuple[tuple[int, ...], int]]:
    tail = nn.Linear(8, 4)
    jobs = [member(one.pop("train", TRAIN), OTHER, tail, **one) for one in map(dict, settings)]
    return [(stack.indices, stack.groups) for stack in find_stacks(jobs, tail)]


def test_find_stacks_of_shared_batches_gives_one_group() -> None:
    rates = [{"optimizer": partial(adamw, lr=lr, weight_decay=lr)} for lr in (0.1, 0.2, 0.3)]
    assert stacks_of(*rates, {"clip": None}, {"patience": 3}) == [((0, 1, 2, 3, 4), 1)]


def test_find_stacks_of_seeds_and_data_gives_groups_behind_each_other() -> None:
    settings = [{"seed": seed, "train": train} for seed in (0, 1) for train in (TRAIN, SMALLER)]
    assert stacks_of(*settings, *settings) == [((0, 4, 1, 5, 2, 6, 3, 7), 4)]


def test_find_stacks_of_unequal_groups_keeps_them_apart() -> None:
    assert stacks_of({}, {"seed": 1}, {}, {"seed": 2}) == [((0, 2), 1), ((1, 3), 2)]


def test_find_stacks_keeps_steps_of_another_kind_apart() -> None:
    settings: list[dict[str, Any]] = [
        {"train": LONGER}, {"batch_size": 8}, {"epochs": 1}, {"smoothing": 0.0},
        {"optimizer": sgd}, {"optimizer": partial(adamw, betas=(0.8, 0.9))},
        {"schedule": one_cycle},
    ]  # fmt: skip
    stacks = stacks_of({}, *settings)
    assert [indices for indices, _ in stacks] == [(n,) for n in range(8)]
