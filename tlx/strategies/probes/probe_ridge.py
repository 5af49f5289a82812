"""Ridge probe: a least-squares head on frozen features, for a whole path of penalties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from torch import Tensor

from tlx.errors import Fault
from tlx.probes.ridge import ridge_solutions
from tlx.probes.standardise import standardisation
from tlx.strategies.probes.probe import Probe, exponent_faults, linear_head
from tlx.strategies.solver import CandidateHead

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Exponent = Annotated[int, Field(ge=-60, le=60)]


class ProbeRidge(Probe):
    """Solve least squares for the head in closed form, for penalties 2^k; keep the best.

    For a quick and exact reading of what model A's features hold, and as a baseline of
    `feature_extraction` where images are few. The features are standardised over the training
    images, as in big_vision's few-shot evaluation (Zhai et al. 2022, "Scaling vision
    transformers"), and the standardisation is folded into the head. Its scores are least squares'
    and their softmax is not calibrated: judge it by accuracy.

    Args:
        backbone: Model A with a head for the target task.
        lowest_exponent: k of the weakest penalty.
        highest_exponent: k of the strongest penalty.
    """

    name = "probe_ridge"

    def __init__(
        self,
        backbone: Backbone,
        *,
        lowest_exponent: Exponent = -10,
        highest_exponent: Exponent = 20,
    ) -> None:
        self._exponents = range(lowest_exponent, highest_exponent + 1)
        super().__init__(backbone)

    @classmethod
    def option_faults(
        cls, *, lowest_exponent: int = -10, highest_exponent: int = 20, **_: Any
    ) -> list[Fault]:
        """Return a fault where the range of penalties is empty."""
        return exponent_faults(lowest_exponent, highest_exponent)

    def candidates(self, features: Tensor, labels: Tensor) -> Iterator[CandidateHead]:
        """Yield the least-squares head of each penalty, the weakest first."""
        scale = standardisation(features)
        classes = self.backbone.num_classes
        penalties = [2.0**k for k in self._exponents]
        for solution in ridge_solutions(scale.apply(features), labels, classes, penalties):
            yield CandidateHead(solution.penalty, linear_head(scale.fold(solution)))

    def path_in_words(self) -> str:
        """Return the penalties."""
        return f"penalties 2^{self._exponents[0]} to 2^{self._exponents[-1]}"
