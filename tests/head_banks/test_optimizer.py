from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from tlx.head_banks.optimizer import StackedOptimizer
from tlx.head_banks.step_table import read_step_tables
from tlx.optimization.losses import CrossEntropy
from tlx.optimization.optimizers import adamw, sgd
from tlx.optimization.schedules import constant, one_cycle, warmup_cosine
from tlx.strategies.base import Training

SHAPES = (("fc.weight", (3, 5)), ("fc.bias", (3,)))
STEPS = 40
SETTINGS = ((1e-3, 0.0), (0.3, 0.1), (1e-6, 0.5), (2.0, 0.05))


def trainings(optimizer: Any, schedule: Any) -> list[Training]:
    return [
        Training(CrossEntropy(), partial(optimizer, lr=lr, weight_decay=decay), schedule)
        for lr, decay in SETTINGS
    ]


@pytest.mark.parametrize(
    "optimizer",
    [
        adamw,
        partial(adamw, betas=(0.5, 0.9)),
        sgd,
        partial(sgd, nesterov=False),
        partial(sgd, momentum=0.0),
    ],
)
@pytest.mark.parametrize("schedule", [constant, partial(warmup_cosine), one_cycle])
def test_stacked_optimizer_takes_each_step_of_torch_s_own(optimizer: Any, schedule: Any) -> None:
    torch.manual_seed(0)
    jobs = trainings(optimizer, schedule)
    start = [torch.randn(len(jobs), *shape) for _, shape in SHAPES]
    stacked = StackedOptimizer(start, read_step_tables(jobs, SHAPES, STEPS))
    alone = []
    for index, job in enumerate(jobs):
        parameters = [nn.Parameter(value[index].clone()) for value in start]
        named = [(name, p) for (name, _), p in zip(SHAPES, parameters, strict=True)]
        own = job.optimizer(named)
        alone.append((parameters, own, job.schedule(own, STEPS)))
    for step in range(STEPS):
        gradients = [torch.randn_like(value) for value in start]
        for index, (parameters, own, schedule_of_own) in enumerate(alone):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient[index].clone()
            own.step()
            schedule_of_own.step()
        stacked.step(gradients, step)
        for index, (parameters, _, _) in enumerate(alone):
            for parameter, found in zip(parameters, stacked.parameters(), strict=True):
                torch.testing.assert_close(found[index], parameter.data, rtol=2e-5, atol=2e-6)


def test_stacked_optimizer_at_a_learning_rate_of_zero_stays() -> None:
    job = Training(CrossEntropy(), partial(adamw, lr=0.1), partial(warmup_cosine))
    start = [torch.randn(1, *shape) for _, shape in SHAPES]
    stacked = StackedOptimizer(start, read_step_tables([job], SHAPES, 10))
    assert stacked.step_table.learning_rates[-1] == 0
    for step in range(9):
        stacked.step([torch.ones_like(value) for value in start], step)
    before = stacked.parameters()
    stacked.step([torch.ones_like(value) for value in start], 9)
    for value, expected in zip(stacked.parameters(), before, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)
