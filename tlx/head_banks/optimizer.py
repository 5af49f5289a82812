"""One real optimizer over the stacked heads of many jobs, each with its own learning rate.

An optimizer of torch has one learning rate for a tensor. So each job's parameters p are kept as
q = p / r, in units of its current learning rate r: a step of any size in p is one of size 1 in q,
and `torch.optim`'s own fused step of learning rate 1 moves the heads of all jobs at once. Before
a step q is converted from the last step's unit to this one's, and the same multiplication takes
AdamW's decoupled decay along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from tlx.head_banks.step_table import StepTable

SMALLEST_UNIT = 1e-20
"""A learning rate below moves no float32 parameter, yet a unit of zero would divide by zero."""


class StackedOptimizer:
    """AdamW or SGD over parameters of shape (jobs, ...).

    Args:
        initial: The parameters before the first step, each of shape (jobs, ...).
        step_tables: One per job; kind, options and momenta must be the same.
        steps_at_once: For how many steps the factors lie ready on the device.
    """

    def __init__(self, initial: Sequence[Tensor], step_tables: Sequence[StepTable]) -> None:
        self.step_table = step_tables[0]
        device = initial[0].device
        rates = torch.tensor([r.learning_rates for r in step_tables], dtype=torch.float64).T
        units = rates.clamp(min=SMALLEST_UNIT)
        before = torch.cat([torch.ones_like(units[:1]), units[:-1]])
        self._units = units.float().to(device)
        self._factors: list[Tensor] = []
        self._penalties: list[Tensor | None] = []
        for index in range(len(initial)):
            decay = torch.tensor([r.decays[index] for r in step_tables], dtype=torch.float64)
            coupled = self.step_table.kind is SGD
            factors = before / units * (1.0 if coupled else 1 - rates * decay)
            self._factors.append(factors.float().to(device))
            penalty = (units * decay).float().to(device)
            self._penalties.append(penalty if coupled and bool(decay.any()) else None)
        self.stored = [nn.Parameter(p.clone(), requires_grad=False) for p in initial]
        self._optimizer = _step_of_one(self.stored, self.step_table)
        self._unit = torch.ones_like(self._units[0])

    @property
    def unit(self) -> Tensor:
        """Each job's unit, shape (jobs,): parameters are the stored ones times this."""
        return self._unit

    def parameters(self) -> list[Tensor]:
        """Return the parameters themselves, each of shape (jobs, ...)."""
        return [stored * _over(self._unit, stored) for stored in self.stored]

    def step(self, gradients: Sequence[Tensor], step: int) -> None:
        """Move every job by one step.

        Args:
            gradients: By the parameters themselves (not the stored ones), shapes (jobs, ...).
                Overwritten where weight decay is added to them.
            step: Counted from 0.
        """
        for index, (stored, gradient) in enumerate(zip(self.stored, gradients, strict=True)):
            stored.mul_(_over(self._factors[index][step], stored))
            penalty = self._penalties[index]
            if penalty is not None:
                gradient.addcmul_(stored, _over(penalty[step], stored))
            stored.grad = gradient
        momentum = self.step_table.momenta[step]
        for group in self._optimizer.param_groups:
            if self.step_table.kind is AdamW:
                group["betas"] = (momentum, group["betas"][1])
            else:
                group["momentum"] = momentum
        self._optimizer.step()
        self._unit = self._units[step]


def _step_of_one(stored: list[nn.Parameter], step_table: StepTable) -> Optimizer:
    kind: Any = step_table.kind
    optimizer: Optimizer = kind(
        stored, lr=1.0, weight_decay=0.0, fused=True, **dict(step_table.options)
    )
    return optimizer


def _over(per_job: Tensor, stacked: Tensor) -> Tensor:
    """Return numbers per job, shaped to multiply a stack of shape (jobs, ...)."""
    return per_job.view(-1, *[1] * (stacked.dim() - 1))
