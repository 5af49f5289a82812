"""A linear classifier that solves a penalised problem exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LinearSolution:
    """A linear classifier: `features @ weight.T + bias`.

    Args:
        weight: float64, shape (c, d).
        bias: float64, shape (c,).
        penalty: How strongly its weights were penalised.
    """

    weight: Tensor
    bias: Tensor
    penalty: float

    def logits(self, features: Tensor) -> Tensor:
        """Return one score per class (n, c) of features (n, d), in double precision."""
        return features.to(self.weight) @ self.weight.T + self.bias


def check_strengths(name: str, strengths: Sequence[float]) -> None:
    """Check the strengths of a path.

    Args:
        name: What they are called.
        strengths: Penalties, or their inverses.

    Raises:
        ValueError: Where there is none, or one is not a positive finite number.
    """
    wrong = [value for value in strengths if not 0 < value < float("inf")]
    if wrong or not strengths:
        raise ValueError(f"{name}={wrong or list(strengths)}: positive finite numbers are needed")
