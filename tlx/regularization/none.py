"""No regulariser: the training loss is the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tlx.errors import Fault
from tlx.objectives.terms import Situation
from tlx.regularization.regularizer import Regularizer


@dataclass(frozen=True)
class NoRegularizer(Regularizer):
    """Leave the training loss as it is, at no cost: there is no term to bind."""

    name: ClassVar[str] = "none"

    def faults(self, situation: Situation) -> list[Fault]:  # noqa: ARG002
        """Return no fault."""
        return []
