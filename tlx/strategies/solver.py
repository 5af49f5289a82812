"""What solves for a head on frozen features: a path of candidates in the place of epochs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from torch import Tensor, nn

CLASSES_ALONE: Final = (
    "it solves for a head that tells classes apart, and the data asks for a number"
)
"""Why a strategy that solves for a head cannot learn a number."""


@dataclass(frozen=True)
class CandidateHead:
    """One point of a solver's path.

    Args:
        strength: How strongly it is regularised: the penalty, or the number of neighbours.
        head: Takes raw features (n, d), returns logits (n, classes).
    """

    strength: float
    head: nn.Module


class Solver(Protocol):
    """Solves for heads; the fit of a strategy that solves asks nothing else."""

    @property
    def strength_name(self) -> str:
        """What the history calls `CandidateHead.strength`."""

    def candidates(self, features: Tensor, labels: Tensor) -> Iterator[CandidateHead]:
        """Yield the path's heads, solved on training features.

        Args:
            features: Shape (n, d).
            labels: Class indices, shape (n,).
        """

    def learns_from_itself(self) -> bool:
        """Return whether a candidate's loss on its own training examples means something."""

    def install(self, head: nn.Module, tails: Iterable[nn.Module] = ()) -> None:
        """Put a candidate into the backbone.

        Args:
            head: The candidate.
            tails: Parts of the backbone, which hold its head too.
        """
