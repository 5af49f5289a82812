"""The choice of one point of a path, by the validation images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
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


@torch.no_grad()
def accuracy_and_loss(
    head: Callable[[Tensor], Tensor], features: Tensor, labels: Tensor, batch_size: int = 4096
) -> tuple[float, float]:
    """Return the share that a head classifies right, and its mean log loss in nats.

    Args:
        head: Makes logits (m, c) of features (m, d); log-probabilities are logits too.
        features: Shape (n, d).
        labels: Class indices, shape (n,).
        batch_size: Images at a time.
    """
    right, loss = 0, 0.0
    batches = zip(torch.split(features, batch_size), torch.split(labels, batch_size), strict=True)
    for some, classes in batches:
        logits = head(some).double()
        right += int((logits.argmax(dim=1) == classes).sum())
        loss += float(functional.cross_entropy(logits, classes, reduction="sum"))
    return right / len(labels), loss / len(labels)
