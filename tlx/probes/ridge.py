"""Ridge classification: a whole path of penalties from one eigendecomposition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tlx.probes.examples import Examples, examples
from tlx.probes.solution import LinearSolution, check_strengths


@dataclass(frozen=True)
class _Spectrum:
    """What the path shares: `weight(penalty) = left / (values + penalty) @ right`."""

    values: Tensor
    left: Tensor
    right: Tensor

    def weight(self, penalty: float) -> Tensor:
        return ((self.left / (self.values + penalty)) @ self.right).T


def ridge_path(
    features: Tensor, labels: Tensor, num_classes: int, penalties: Sequence[float]
) -> list[LinearSolution]:
    """Return the least-squares classifiers of a path of penalties.

    Each minimises `|Y - X W^T - b|^2 + penalty |W|^2` with targets Y of 1 for the image's class
    and -1 for the others, as scikit-learn's `RidgeClassifier` does. The intercept goes unpenalised
    by centring. The d x d covariance is decomposed once, or the n x n Gram matrix where that is
    smaller: `(X^T X + p I)^-1 X^T = X^T (X X^T + p I)^-1`. Sources: Hastie, Tibshirani and
    Friedman 2009, "The Elements of Statistical Learning", sections 3.4.1 and 18.3.5; big_vision's
    `evaluators/fewshot_lsr.py`.

    The argmax of the scores is what least squares optimises; their softmax is no calibrated
    probability. A class without an image gets the score -1, and never the highest one.

    Args:
        features: Shape (n, d).
        labels: Class indices, shape (n,).
        num_classes: How many classes there are.
        penalties: Positive; on centred features, in units of their squares summed over images.

    Returns:
        One solution per penalty, in the order given.

    Raises:
        ValueError: Where the examples or the penalties are unfit.
    """
    return list(ridge_solutions(features, labels, num_classes, penalties))


def ridge_solutions(
    features: Tensor, labels: Tensor, num_classes: int, penalties: Sequence[float]
) -> Iterator[LinearSolution]:
    """Yield what `ridge_path` returns, one by one."""
    check_strengths("penalties", penalties)
    given = examples(features, labels, num_classes)
    feature_mean = given.features.mean(dim=0)
    targets = _targets(given)
    target_mean = targets.mean(dim=0)
    spectrum = _decompose(given.features - feature_mean, targets - target_mean)
    for penalty in penalties:
        weight = spectrum.weight(penalty)
        yield LinearSolution(weight, target_mean - weight @ feature_mean, penalty)


def _targets(given: Examples) -> Tensor:
    one_hot = torch.nn.functional.one_hot(given.labels, given.num_classes)
    return 2.0 * one_hot.to(given.features) - 1.0


def _decompose(centred: Tensor, targets: Tensor) -> _Spectrum:
    images, width = centred.shape
    if images < width:
        values, vectors = torch.linalg.eigh(centred @ centred.T)
        return _Spectrum(values.clamp(min=0), centred.T @ vectors, vectors.T @ targets)
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    return _Spectrum(values.clamp(min=0), vectors, vectors.T @ (centred.T @ targets))
