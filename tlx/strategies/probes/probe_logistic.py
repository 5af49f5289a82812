"""Logistic probe: a maximum-likelihood head on frozen features, for a whole path of C."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field
from torch import Tensor

from tlx.errors import Fault
from tlx.probes.logistic import logistic_solutions
from tlx.strategies.probes.probe import Probe, exponent_faults, linear_head
from tlx.strategies.solver import CandidateHead

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Exponent = Annotated[int, Field(ge=-12, le=12)]


class ProbeLogistic(Probe):
    """Solve multinomial logistic regression for the head, for C = 10^k; keep the best.

    What `feature_extraction` approaches by steps, solved to a tolerance for every penalty, so that
    neither a learning rate nor a number of epochs stands between the features and their score.
    Features are standardised over the training images and the standardisation is folded into the
    head. The default range is that of DINOv2's logistic evaluation (Oquab et al. 2023) up to where
    few images are fitted perfectly.

    Args:
        backbone: Model A with a head for the target task.
        lowest_exponent: Power of ten of the smallest C, which is the strongest penalty.
        highest_exponent: Power of ten of the largest C.
        points_per_decade: Values of C for each factor of ten.
        gradient_tolerance: Largest entry of the mean loss's gradient at a solution.
    """

    name = "probe_logistic"

    def __init__(
        self,
        backbone: Backbone,
        *,
        lowest_exponent: Exponent = -6,
        highest_exponent: Exponent = 2,
        points_per_decade: Annotated[int, Field(ge=1, le=100)] = 4,
        gradient_tolerance: Annotated[float, Field(ge=1e-10, le=1e-1)] = 1e-6,
    ) -> None:
        points = (highest_exponent - lowest_exponent) * points_per_decade + 1
        self._inverse_penalties = np.logspace(lowest_exponent, highest_exponent, points).tolist()
        self._gradient_tolerance = gradient_tolerance
        super().__init__(backbone)

    @classmethod
    def option_faults(
        cls, *, lowest_exponent: int = -6, highest_exponent: int = 2, **_: Any
    ) -> list[Fault]:
        """Return a fault where the range of C is empty."""
        return exponent_faults(lowest_exponent, highest_exponent)

    def candidates(self, features: Tensor, labels: Tensor) -> Iterator[CandidateHead]:
        """Yield the maximum-likelihood head of each C, the smallest first."""
        solutions = logistic_solutions(
            features,
            labels,
            self.backbone.num_classes,
            self._inverse_penalties,
            gradient_tolerance=self._gradient_tolerance,
        )
        for solution in solutions:
            yield CandidateHead(solution.penalty, linear_head(solution))

    def path_in_words(self) -> str:
        """Return the values of C."""
        values = self._inverse_penalties
        return f"{len(values)} values of C from {values[0]:g} to {values[-1]:g}"
