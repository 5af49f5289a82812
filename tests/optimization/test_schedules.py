from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from tlx.optimization.schedules import ScheduleFactory, constant, one_cycle, warmup_cosine

PEAK = 0.4


def optimizer_at(*peaks: float) -> SGD:
    return SGD([{"params": [nn.Parameter(torch.zeros(1))], "lr": peak} for peak in peaks])


def learning_rates(schedule: Any, total_steps: int, peak: float = PEAK) -> list[float]:
    """Return the learning rate of each step, as an optimizer that steps would see it."""
    optimizer = optimizer_at(peak)
    scheduler = schedule(optimizer, total_steps)
    rates = []
    for _ in range(total_steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def test_warmup_cosine_is_the_closed_form() -> None:
    rates = learning_rates(partial(warmup_cosine, warmup_fraction=0.2, final_fraction=0.1), 20)
    climb = [PEAK * (step + 1) / 4 for step in range(4)]
    fall = [PEAK * (0.1 + 0.9 * (1 + math.cos(math.pi * i / 15)) / 2) for i in range(16)]
    assert rates == pytest.approx(climb + fall)


def test_warmup_cosine_starts_above_zero_peaks_and_ends_at_its_final_fraction() -> None:
    rates = learning_rates(partial(warmup_cosine, warmup_fraction=0.1, final_fraction=0.25), 100)
    assert rates[0] == pytest.approx(PEAK / 10)
    assert rates[9] == max(rates) == pytest.approx(PEAK)
    assert rates[-1] == pytest.approx(PEAK / 4)


def test_warmup_cosine_without_warmup_is_pytorch_s_cosine() -> None:
    ours = learning_rates(partial(warmup_cosine, warmup_fraction=0.0, final_fraction=0.0), 50)
    theirs = learning_rates(lambda optimizer, steps: CosineAnnealingLR(optimizer, steps - 1), 50)
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert ours[-1] == pytest.approx(0.0, abs=1e-15)


def test_warmup_cosine_that_only_warms_up_ends_at_the_peak() -> None:
    rates = learning_rates(partial(warmup_cosine, warmup_fraction=1.0), 4)
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_warmup_cosine_beyond_the_last_step_stays_at_the_end() -> None:
    optimizer = optimizer_at(PEAK)
    scheduler = warmup_cosine(optimizer, 10, final_fraction=0.5)
    for _ in range(15):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(PEAK / 2)


def test_one_cycle_is_pytorch_s_with_its_two_ends() -> None:
    ours = learning_rates(
        partial(one_cycle, rise_fraction=0.25, initial_division=10.0, final_division=100.0), 40
    )

    def theirs(optimizer: SGD, total_steps: int) -> OneCycleLR:
        return OneCycleLR(optimizer, max_lr=PEAK, total_steps=total_steps, pct_start=0.25,
                          div_factor=10.0, final_div_factor=100.0)  # fmt: skip

    assert ours == pytest.approx(learning_rates(theirs, 40))
    assert ours[0] == pytest.approx(PEAK / 10)
    assert ours[9] == max(ours) == pytest.approx(PEAK)
    assert ours[-1] == pytest.approx(PEAK / 10 / 100)


@pytest.mark.parametrize("total_steps", [1, 2, 3, 4, 5, 10, 20])
@pytest.mark.parametrize("rise_fraction", [0.05, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.9])
def test_one_cycle_of_any_length_stays_between_its_ends(
    total_steps: int, rise_fraction: float
) -> None:
    rates = learning_rates(partial(one_cycle, rise_fraction=rise_fraction), total_steps)
    assert all(PEAK / 25 / 1e4 * 0.999 <= rate <= PEAK * 1.001 for rate in rates)
    assert rates[-1] == pytest.approx(PEAK / 25 / 1e4)


def test_constant_changes_nothing() -> None:
    assert learning_rates(constant, 5) == [PEAK] * 5


@pytest.mark.parametrize("schedule", [warmup_cosine, constant])
def test_schedule_of_a_single_step_takes_the_peak(schedule: ScheduleFactory) -> None:
    assert learning_rates(schedule, 1) == [PEAK]


@pytest.mark.parametrize("schedule", [warmup_cosine, one_cycle, constant])
def test_schedule_keeps_the_ratio_of_groups(schedule: ScheduleFactory) -> None:
    optimizer = optimizer_at(0.1, 0.3)
    scheduler = schedule(optimizer, 20)
    for _ in range(7):
        optimizer.step()
        scheduler.step()
    low, high = (group["lr"] for group in optimizer.param_groups)
    assert high == pytest.approx(3 * low)
