"""Features with mean 0 and variance 1, and the way back to a classifier of raw features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tlx.probes.solution import LinearSolution


@dataclass(frozen=True)
class Standardisation:
    """Mean and inverse deviation of each feature over the training images.

    A feature that does not vary there has the inverse deviation 0: it says nothing about the
    classes, and what it does elsewhere must not count.

    Args:
        mean: float64, shape (d,).
        inverse_deviation: float64, shape (d,).
    """

    mean: Tensor
    inverse_deviation: Tensor

    def apply(self, features: Tensor) -> Tensor:
        """Return standardised features (n, d), in double precision."""
        return (features.to(self.mean) - self.mean) * self.inverse_deviation

    def fold(self, solution: LinearSolution) -> LinearSolution:
        """Return the classifier of raw features that a classifier of standardised ones is."""
        weight = solution.weight * self.inverse_deviation
        return LinearSolution(weight, solution.bias - weight @ self.mean, solution.penalty)


def standardisation(features: Tensor) -> Standardisation:
    """Return the standardisation of training features (n, d), by the population's deviation.

    A deviation below the rounding error of the mean counts as none, as scikit-learn's
    `StandardScaler` has it.
    """
    exact = features.detach().to(torch.float64)
    mean = exact.mean(dim=0)
    deviation = (exact - mean).square().mean(dim=0).sqrt()
    rounding = len(exact) * torch.finfo(torch.float64).eps * mean.abs()
    varies = deviation > rounding
    inverse = torch.where(varies, 1 / deviation.where(varies, torch.ones_like(mean)), 0.0)
    return Standardisation(mean, inverse)
