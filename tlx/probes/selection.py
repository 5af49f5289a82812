"""The choice of one point of a path, by the validation images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class PathPoint:
    """What a point of a path is worth on the validation images.

    Args:
        strength: How strongly it is regularised: the penalty, or the number of neighbours.
        val_accuracy: Share of the images classified right.
        val_loss: Mean log loss in nats.
    """

    strength: float
    val_accuracy: float
    val_loss: float


def best_point(points: Sequence[PathPoint]) -> int:
    """Return the index of the best point: by accuracy, then log loss, then the stronger one.

    A loss that is not a number counts as the worst.

    Raises:
        ValueError: Where there is no point.
    """
    if not points:
        raise ValueError("a path without points leaves nothing to choose from")

    def worth(index: int) -> tuple[float, float, float]:
        point = points[index]
        loss = math.inf if math.isnan(point.val_loss) else point.val_loss
        return point.val_accuracy, -loss, point.strength

    return max(range(len(points)), key=worth)


def accuracy_and_loss(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the share classified right and the mean log loss in nats.

    Args:
        logits: Shape (n, c); log-probabilities are logits too.
        labels: Class indices, shape (n,).
    """
    right = int((logits.argmax(dim=1) == labels).sum())
    return right / len(labels), float(functional.cross_entropy(logits, labels))
