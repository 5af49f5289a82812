from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import LRScheduler, StepLR

from tlx.head_banks.step_table import read_step_tables
from tlx.optimization.losses import CrossEntropy
from tlx.optimization.optimizers import adamw, sgd
from tlx.optimization.schedules import constant, one_cycle, warmup_cosine
from tlx.strategies.base import Training

SHAPES = (("fc.bias", (3,)), ("fc.weight", (3, 5)))


def halving(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    return StepLR(optimizer, step_size=2, gamma=0.5)


def training(optimizer: Any, schedule: Any) -> Training:
    return Training(CrossEntropy(), optimizer, schedule)


def test_read_step_tables_gives_the_rates_and_momenta_of_each_job_s_own_schedule() -> None:
    optimizers = [partial(adamw, lr=0.1), partial(sgd, lr=0.3), partial(adamw, lr=0.01)]
    schedules = [constant, partial(warmup_cosine, warmup_fraction=0.3), warmup_cosine,
                 one_cycle, halving]  # fmt: skip
    jobs = [training(optimizer, schedule) for optimizer in optimizers for schedule in schedules]
    for job, step_table in zip(jobs, read_step_tables(jobs, SHAPES, 7), strict=True):
        own = job.optimizer([("weight", nn.Parameter(torch.zeros(2, 2)))])
        schedule = job.schedule(own, 7)
        rates, momenta = [], []
        for _ in range(7):
            group = own.param_groups[0]
            rates.append(group["lr"])
            momenta.append(group["betas"][0] if "betas" in group else group["momentum"])
            own.step()
            schedule.step()
        assert (list(step_table.learning_rates), list(step_table.momenta)) == (rates, momenta)


def test_read_step_tables_keeps_decay_from_biases() -> None:
    jobs = [training(partial(adamw, weight_decay=0.5), constant), training(sgd, constant)]
    first, second = read_step_tables(jobs, SHAPES, 2)
    assert (first.kind, first.decays) == (AdamW, (0.0, 0.5))
    assert (second.kind, second.decays) == (SGD, (0.0, 1e-4))


def test_read_step_tables_of_another_optimizer_is_refused() -> None:
    def rmsprop(parameters: Any) -> Optimizer:
        return RMSprop([parameter for _, parameter in parameters])

    with pytest.raises(TypeError, match=r"^A head bank trains with AdamW or SGD, not RMSprop\.$"):
        read_step_tables([training(rmsprop, constant)], SHAPES, 2)
