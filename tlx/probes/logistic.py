"""Multinomial logistic regression: a path of penalties, each solved to a tolerance."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from tlx.probes.examples import Examples, examples
from tlx.probes.solution import LinearSolution, check_strengths
from tlx.probes.standardise import standardisation

MISSING_CLASS_SCORE = -30.0
"""Score of a class without an image. The maximum-likelihood one is minus infinity; this one gives
it a probability below 1e-13, for the scores of the other classes have the mean 0."""

log = logging.getLogger("tlx")


@dataclass(frozen=True)
class _Problem:
    """Mean log loss over the classes that occur, plus `decay / 2 |W|^2`.

    Args:
        features: Standardised, in coordinates of their own, shape (n, r).
        targets: One-hot over the p classes that occur, shape (n, p).
    """

    features: Tensor
    targets: Tensor

    def value_and_gradient(self, decay: float, flat: NDArray[np.float64]) -> tuple[float, object]:
        parameters = self.parameters(flat)
        weight, bias = parameters[:, :-1], parameters[:, -1]
        logarithms = torch.log_softmax(self.features @ weight.T + bias, dim=1)
        images = len(self.features)
        loss = -(self.targets * logarithms).sum() / images + decay / 2 * weight.square().sum()
        excess = (logarithms.exp() - self.targets) / images
        slope = torch.column_stack([excess.T @ self.features + decay * weight, excess.sum(dim=0)])
        return float(loss), slope.flatten().cpu().numpy()

    def parameters(self, flat: NDArray[np.float64]) -> Tensor:
        """Return weight and bias side by side, shape (p, r + 1)."""
        return torch.from_numpy(flat).to(self.features).view(self.targets.shape[1], -1)


def logistic_path(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    inverse_penalties: Sequence[float],
    *,
    gradient_tolerance: float = 1e-6,
    max_iterations: int = 10_000,
) -> list[LinearSolution]:
    """Return the multinomial logistic regressions of a path of C.

    Each minimises `sum of log losses + |W|^2 / (2 C)` over standardised features, the intercept
    unpenalised, as scikit-learn's `LogisticRegression(C=C)` behind a `StandardScaler` does for
    three classes or more (for two it penalises the one difference of the two rows of W, which is
    this problem at C / 2). Solved in double precision by L-BFGS (Liu and Nocedal 1989, "On the
    limited memory BFGS method for large scale optimization"), each C starting from the solution
    of the next smaller one. Where images are fewer than features, the problem is first rotated
    into the span of the images, outside of which a penalised weight is 0.

    The standardisation is folded in: the solutions take raw features. A class without an image
    gets no weight and the score -30.

    Args:
        features: Shape (n, d).
        labels: Class indices, shape (n,).
        num_classes: How many classes there are.
        inverse_penalties: The values of C, positive, in any order.
        gradient_tolerance: Largest entry of the gradient of the mean loss at a solution.
        max_iterations: Most L-BFGS steps per C; a warning tells where they do not suffice.

    Returns:
        One solution per C, in the order given; `penalty` is 1 / C.

    Raises:
        ValueError: Where the examples or the values of C are unfit.
    """
    ascending = sorted(set(inverse_penalties))
    found = logistic_solutions(
        features,
        labels,
        num_classes,
        ascending,
        gradient_tolerance=gradient_tolerance,
        max_iterations=max_iterations,
    )
    solutions = dict(zip(ascending, found, strict=True))
    return [solutions[c] for c in inverse_penalties]


def logistic_solutions(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    inverse_penalties: Sequence[float],
    *,
    gradient_tolerance: float = 1e-6,
    max_iterations: int = 10_000,
) -> Iterator[LinearSolution]:
    """Yield what `logistic_path` returns one by one, each warm-started from the one before."""
    check_strengths("inverse_penalties", inverse_penalties)
    given = examples(features, labels, num_classes)
    scale = standardisation(given.features)
    rotated, rotation = _rotated(scale.apply(given.features))
    problem = _Problem(rotated, (given.labels[:, None] == given.present).to(rotated))
    flat = np.zeros(problem.targets.shape[1] * (rotated.shape[1] + 1))
    for c in inverse_penalties:
        flat = _solve(problem, c, flat, gradient_tolerance, max_iterations)
        solution = _over_all_classes(problem.parameters(flat), rotation, given, 1 / c)
        folded = scale.fold(solution)
        folded.bias[_missing(given)] = MISSING_CLASS_SCORE
        yield folded


def _solve(
    problem: _Problem,
    c: float,
    start: NDArray[np.float64],
    gradient_tolerance: float,
    max_iterations: int,
) -> NDArray[np.float64]:
    decay = 1 / (c * len(problem.features))
    options = {
        "gtol": gradient_tolerance,
        "ftol": 0.0,  # the gradient decides, not slow progress
        "maxiter": max_iterations,
        "maxfun": 2 * max_iterations,
        "maxcor": 20,
    }
    function = partial(problem.value_and_gradient, decay)
    found = minimize(function, start, jac=True, method="L-BFGS-B", options=options)
    slope = float(np.abs(found.jac).max())
    if slope > gradient_tolerance:
        log.warning(
            "logistic regression at C=%g stopped after %d steps with a gradient of %.1e, above "
            "the tolerance of %.1e: try fewer large values of C",
            c, found.nit, slope, gradient_tolerance,
        )  # fmt: skip
    solution: NDArray[np.float64] = found.x
    return solution


def _rotated(features: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return features (n, r) in an orthonormal basis of their span, and the basis (r, d).

    The penalty is the same in any such basis.
    """
    if features.shape[0] >= features.shape[1]:
        return features, None
    left, values, basis = torch.linalg.svd(features, full_matrices=False)
    return left * values, basis


def _over_all_classes(
    parameters: Tensor, rotation: Tensor | None, given: Examples, penalty: float
) -> LinearSolution:
    """Return the solution in standardised coordinates, with rows for missing classes too."""
    # Only differences of intercepts matter to the loss; their mean is 0 by choice.
    weight, bias = parameters[:, :-1], parameters[:, -1] - parameters[:, -1].mean()
    if rotation is not None:
        weight = weight @ rotation
    whole_weight = weight.new_zeros(given.num_classes, weight.shape[1])
    whole_bias = bias.new_zeros(given.num_classes)
    whole_weight[given.present] = weight
    whole_bias[given.present] = bias
    return LinearSolution(whole_weight, whole_bias, penalty)


def _missing(given: Examples) -> Tensor:
    """Return the classes without an example."""
    counts = torch.bincount(given.labels, minlength=given.num_classes)
    return (counts == 0).nonzero().flatten()
