"""Losses over logits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

Smoothing = Annotated[float, Field(ge=0, lt=1)]


class CrossEntropy(nn.CrossEntropyLoss):
    """Mean cross-entropy with label smoothing (Szegedy et al. 2016, section 7).

    Args:
        label_smoothing: Probability mass spread evenly over all classes.
    """

    def __init__(self, *, label_smoothing: Smoothing = 0.0) -> None:
        super().__init__(label_smoothing=label_smoothing)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of logits (n, classes) for class indices (n,)."""
        loss: Tensor = super().forward(logits, labels)
        return loss
