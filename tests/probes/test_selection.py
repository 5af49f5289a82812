from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from tlx.probes.selection import PathPoint, accuracy_and_loss, best_point


@pytest.mark.parametrize(
    ("points", "best"),
    [
        ([(1, 0.8, 0.1), (2, 0.9, 0.9), (4, 0.8, 0.1)], 1),
        ([(1, 0.9, 0.5), (2, 0.9, 0.4), (4, 0.9, 0.6)], 1),
        ([(4, 0.9, 0.5), (1, 0.9, 0.5), (2, 0.9, 0.5)], 0),
        ([(1, 0.9, math.nan), (2, 0.9, 80.0)], 1),
        ([(1, 0.9, math.nan), (2, 0.9, math.nan)], 1),
    ],
)
def test_best_point_goes_by_accuracy_then_loss_then_strength(
    points: list[tuple[float, float, float]], best: int
) -> None:
    assert best_point([PathPoint(*point) for point in points]) == best


def test_best_point_of_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="a path without points"):
        best_point([])


def test_accuracy_and_loss_equal_scikit_learns() -> None:
    logits = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.arange(40) % 3
    accuracy, loss = accuracy_and_loss(torch.nn.Identity(), logits, labels, batch_size=16)
    assert accuracy == accuracy_score(labels, logits.argmax(dim=1))
    assert loss == pytest.approx(log_loss(labels, torch.softmax(logits, dim=1)))
