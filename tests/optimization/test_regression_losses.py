from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_squared_error

from tlx.optimization.regression_losses import Huber, Mae, Mse

GENERATOR = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(7, 1, generator=GENERATOR)
TARGETS = torch.randn(7, generator=GENERATOR)


def test_mean_errors_equal_scikit_learn() -> None:
    pairs = (TARGETS.numpy(), OUTPUTS[:, 0].numpy())
    assert float(Mse()(OUTPUTS, TARGETS)) == pytest.approx(mean_squared_error(*pairs))
    assert float(Mae()(OUTPUTS, TARGETS)) == pytest.approx(mean_absolute_error(*pairs))


def test_huber_is_squared_up_to_delta_and_linear_beyond() -> None:
    targets, outputs = torch.zeros(2), torch.tensor([[0.5], [-3.0]])
    expected = np.mean([0.5**2 / 2, 2.0 * (3.0 - 2.0 / 2)])
    assert float(Huber(delta=2.0)(outputs, targets)) == pytest.approx(expected)


def test_regression_loss_of_shapes_that_would_broadcast_is_refused() -> None:
    with pytest.raises(ValueError, match=r"outputs of shape \(7,\) do not fit targets of shape"):
        Mse()(OUTPUTS[:, 0], TARGETS)
    with pytest.raises(ValueError, match=r"expected \(n, 1\) and \(n,\)"):
        Mae()(OUTPUTS.repeat(1, 2), TARGETS)
