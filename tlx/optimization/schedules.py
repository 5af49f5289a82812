"""Learning-rate schedules, stepped once per optimizer step."""

from __future__ import annotations

import math
from typing import Annotated, Protocol

from pydantic import Field
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

Fraction = Annotated[float, Field(ge=0, le=1)]
OpenFraction = Annotated[float, Field(gt=0, lt=1)]
Division = Annotated[float, Field(ge=1)]


class ScheduleFactory(Protocol):
    """Makes a schedule for an optimizer and a known number of steps."""

    def __call__(self, optimizer: Optimizer, total_steps: int) -> LRScheduler:
        """Return the schedule."""


def warmup_cosine(
    optimizer: Optimizer,
    total_steps: int,
    *,
    warmup_fraction: Fraction = 0.1,
    final_fraction: Fraction = 0.0,
) -> LRScheduler:
    """Return linear warm-up (Goyal et al. 2017), then half a cosine (Loshchilov & Hutter 2017).

    Args:
        optimizer: Its groups' learning rates are the peaks.
        total_steps: Optimizer steps of the whole fit.
        warmup_fraction: Share of the steps that climb to the peak.
        final_fraction: Learning rate of the last step, as a share of the peak.
    """
    warmup_steps = round(warmup_fraction * total_steps)

    def multiplier(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = (step - warmup_steps) / max(1, total_steps - 1 - warmup_steps)
        cosine = (1 + math.cos(math.pi * min(1.0, progress))) / 2
        return final_fraction + (1 - final_fraction) * cosine

    return LambdaLR(optimizer, multiplier)


def one_cycle(
    optimizer: Optimizer,
    total_steps: int,
    *,
    rise_fraction: OpenFraction = 0.3,
    initial_division: Division = 25.0,
    final_division: Division = 1e4,
) -> LRScheduler:
    """Return the one-cycle schedule (Smith & Topin 2018, "Super-convergence").

    Args:
        optimizer: Its groups' learning rates are the peaks.
        total_steps: Optimizer steps of the whole fit.
        rise_fraction: Share of the steps that climb.
        initial_division: Peak over first learning rate.
        final_division: First over last learning rate.
    """
    if rise_fraction * total_steps == 1:
        rise_fraction *= 1 + 1e-9  # a rise of no length at all would be a division by zero
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=total_steps,
        pct_start=rise_fraction,
        div_factor=initial_division,
        final_div_factor=final_division,
    )


def constant(optimizer: Optimizer, total_steps: int) -> LRScheduler:  # noqa: ARG001 - one protocol
    """Return a schedule that changes nothing."""
    return LambdaLR(optimizer, lambda _: 1.0)
