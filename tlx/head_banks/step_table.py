"""A job's optimizer and schedule, read off the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from tlx.optimization import schedules
from tlx.strategies.base import Training

NamedShapes = tuple[tuple[str, tuple[int, ...]], ...]
KINDS = (AdamW, SGD)
OPTIONS = ("betas", "eps", "momentum", "dampening", "nesterov", "amsgrad", "maximize")


@dataclass(frozen=True)
class StepTable:
    """How each step of a job moves its parameters.

    Args:
        kind: The optimizer's class.
        options: Its options beside learning rate, weight decay and what the schedule cycles.
        decays: Weight decay of each parameter of the head.
        learning_rates: One per step.
        momenta: SGD's momentum or Adam's first beta, one per step (one-cycle schedules move it).
    """

    kind: type[Optimizer]
    options: tuple[tuple[str, Any], ...]
    decays: tuple[float, ...]
    learning_rates: tuple[float, ...]
    momenta: tuple[float, ...]


def read_step_tables(
    trainings: Sequence[Training], shapes: NamedShapes, total_steps: int
) -> list[StepTable]:
    """Return the step_tables of jobs whose fits have the same number of steps.

    Args:
        trainings: One per job.
        shapes: Name and shape of each of the head's parameters, as the optimizer would see them.
        total_steps: Optimizer steps of the whole fit.

    Raises:
        TypeError: Where an optimizer is neither AdamW nor SGD.
    """
    named = [_parameters(shapes) for _ in trainings]
    optimizers = [t.optimizer(params) for t, params in zip(trainings, named, strict=True)]
    for optimizer in optimizers:
        if type(optimizer) not in KINDS:
            raise TypeError(
                f"A head bank trains with AdamW or SGD, not {type(optimizer).__name__}."
            )
    tables: list[tuple[tuple[float, ...], tuple[float, ...]]] = [((), ())] * len(trainings)
    for indices in _alike(trainings, optimizers):
        found = _tables([optimizers[i] for i in indices], trainings[indices[0]], total_steps)
        for index, table in zip(indices, found, strict=True):
            tables[index] = table
    return [
        StepTable(type(optimizer), _options(optimizer), _decays(optimizer, params), *table)
        for optimizer, params, table in zip(optimizers, named, tables, strict=True)
    ]


def _parameters(shapes: NamedShapes) -> list[tuple[str, nn.Parameter]]:
    return [(name, nn.Parameter(torch.zeros(shape))) for name, shape in shapes]


def _alike(trainings: Sequence[Training], optimizers: Sequence[Optimizer]) -> list[list[int]]:
    """Return jobs whose schedule treats each of an optimizer's groups by itself, and alike.

    One schedule over the groups of all of them gives each the rates of its own. What is not
    shipped with tlx might look from one group to another, and goes by itself.
    """
    shared: dict[str, list[int]] = {}
    for index, (training, optimizer) in enumerate(zip(trainings, optimizers, strict=True)):
        schedule: Any = training.schedule
        bare = schedule if isinstance(schedule, partial) else partial(schedule)
        shipped = getattr(bare.func, "__module__", None) == schedules.__name__
        options = (bare.func, bare.args, sorted(bare.keywords.items())) if shipped else index
        key = f"{options} {type(optimizer).__name__}"
        shared.setdefault(key, []).append(index)
    return list(shared.values())


def _tables(
    optimizers: Sequence[Optimizer], training: Training, total_steps: int
) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Step a schedule through a fit, and return every optimizer's rates and momenta."""
    groups = [dict(group) for optimizer in optimizers for group in optimizer.param_groups[:1]]
    kind: Any = type(optimizers[0])
    together = kind(groups)
    schedule = training.schedule(together, total_steps)
    together.step()  # nothing moves without gradients, and the schedule wants to see a step
    rows = []
    for _ in range(total_steps):
        rows.append([(float(g["lr"]), _momentum(g)) for g in together.param_groups])
        schedule.step()
    columns = [list(zip(*column, strict=True)) for column in zip(*rows, strict=True)]
    return [(rates, momenta) for rates, momenta in columns]


def _momentum(group: dict[str, Any]) -> float:
    return float(group["betas"][0] if "betas" in group else group["momentum"])


def _options(optimizer: Optimizer) -> tuple[tuple[str, Any], ...]:
    group = optimizer.param_groups[0]
    return tuple((name, group[name]) for name in OPTIONS if name in group)


def _decays(optimizer: Optimizer, named: Sequence[tuple[str, nn.Parameter]]) -> tuple[float, ...]:
    """Return the weight decay of each parameter; the optimizer's groups have another order."""
    decays = {
        parameter: float(group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    return tuple(decays[parameter] for _, parameter in named)
