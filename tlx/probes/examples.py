"""Labelled features: what every probe learns from, checked once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Examples:
    """Features in double precision with their labels.

    Args:
        features: float64, shape (n, d).
        labels: int64 class indices, shape (n,).
        num_classes: How many classes there are, those without an example included.
    """

    features: Tensor
    labels: Tensor
    num_classes: int

    @property
    def present(self) -> Tensor:
        """The classes that have an example, in order, shape (p,)."""
        return torch.bincount(self.labels, minlength=self.num_classes).nonzero().flatten()


def examples(features: Tensor, labels: Tensor, num_classes: int) -> Examples:
    """Return labelled features, checked.

    Args:
        features: Finite numbers, shape (n, d).
        labels: Integer class indices, shape (n,).
        num_classes: How many classes there are.

    Raises:
        ValueError: Where shapes disagree, there is no example, a feature is not finite, or a
            label names no class.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ValueError(
            f"features of shape {tuple(features.shape)} and labels of shape "
            f"{tuple(labels.shape)} do not fit: expected (n, d) and (n,)"
        )
    if features.numel() == 0:
        raise ValueError(f"features of shape {tuple(features.shape)} hold nothing to learn from")
    if not bool(features.isfinite().all()):
        bad = int((~features.isfinite()).any(dim=1).sum())
        raise ValueError(f"{bad} of {len(features)} examples have features that are not finite")
    if not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise ValueError(
            f"labels range from {int(labels.min())} to {int(labels.max())}, "
            f"but the {num_classes} classes are 0 to {num_classes - 1}"
        )
    return Examples(features.detach().to(torch.float64), labels.to(torch.int64), num_classes)
