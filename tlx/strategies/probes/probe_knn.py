"""k-NN probe: the nearest training images vote."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from torch import Tensor

from tlx.backbones.nearest_head import NearestNeighbourHead
from tlx.errors import Fault, TlxError
from tlx.strategies.probes.probe import Probe
from tlx.strategies.solver import CandidateHead

if TYPE_CHECKING:
    from tlx.backbones import Backbone

log = logging.getLogger("tlx")


class ProbeKnn(Probe):
    """Let the k training images of the most similar features vote, for several k; keep the best.

    Nothing is learned, so the score is that of the features alone. The vote is weighted by a
    softmax of cosine similarities, as in DINOv2's evaluation (Wu et al. 2018; Oquab et al. 2023).
    The training features are kept in the model's file.

    Args:
        backbone: Model A with a head for the target task.
        neighbours: The values of k; those above the number of training images are left out.
        temperature: The smaller, the more the nearest weigh.
    """

    name = "probe_knn"
    strength_name = "neighbours"
    needs_intercept = False

    def __init__(
        self,
        backbone: Backbone,
        *,
        neighbours: Sequence[Annotated[int, Field(ge=1)]] = (1, 5, 10, 20, 100, 200),
        temperature: Annotated[float, Field(gt=0)] = 0.07,
    ) -> None:
        self._neighbours = sorted(set(neighbours))
        self._temperature = temperature
        super().__init__(backbone)

    @classmethod
    def option_faults(cls, *, neighbours: Sequence[int] = (1,), **_: Any) -> list[Fault]:
        """Return a fault where no k is given."""
        if neighbours:
            return []
        remedy = "Give one or more, as strategy.neighbours=[10,20]."
        return [Fault("strategy.neighbours", "[]", "no number of neighbours is given", remedy)]

    def candidates(self, features: Tensor, labels: Tensor) -> Iterator[CandidateHead]:
        """Yield the head of each k, the smallest first.

        Raises:
            TlxError: Where every k is above the number of training images.
        """
        fitting = self._fitting(len(features))
        for neighbours in fitting:
            head = NearestNeighbourHead(
                features,
                labels,
                self.backbone.num_classes,
                neighbours=neighbours,
                temperature=self._temperature,
            )
            yield CandidateHead(neighbours, head)

    def learns_from_itself(self) -> bool:
        """Return False: a training image is its own nearest neighbour."""
        return False

    def parameter_counts(self) -> dict[str, int]:
        """Return that nothing is trained, and how many weights model A has without its head."""
        head = sum(p.numel() for p in self.backbone.head.parameters())
        return {"trained": 0, "total": super().parameter_counts()["total"] - head}

    def path_in_words(self) -> str:
        """Return the values of k."""
        return f"k-NN with k = {', '.join(map(str, self._neighbours))}"

    def _fitting(self, images: int) -> list[int]:
        """Return the values of k that there are images for."""
        fitting = [k for k in self._neighbours if k <= images]
        if not fitting:
            raise TlxError(
                f"strategy.neighbours={self._neighbours}: there are {images} training examples. "
                f"Choose 1 to {images}."
            )
        beyond = [k for k in self._neighbours if k > images]
        if beyond:
            left = ", ".join(map(str, beyond))
            log.info("k = %s left out: there are %d training examples", left, images)
        return fitting
