"""Distances and angles among the examples of a batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

NEGLIGIBLE = 1e-6
"""Distances below this share of the mean have no direction worth keeping."""


def distance_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return how far distances among examples are from the teacher's, ().

    Each network's distances are divided by their mean over pairs; Huber's loss of the difference
    is averaged over pairs (equations 4 to 6 of Park et al. 2019, "Relational knowledge
    distillation", with the mean in the place of the sum, as their code has it).

    Args:
        student: Features (n, d).
        teacher: Features (n, e).

    Returns:
        0 for fewer than 2 examples.
    """
    if len(student) < 2:
        return student.sum() * 0
    pairs = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    now, kept = (_normed(_differences(f).norm(dim=-1)[pairs]) for f in (student, teacher))
    return functional.huber_loss(now, kept)


def angle_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return how far angles among three examples are from the teacher's, ().

    Huber's loss of the difference of cosines of the angle at the middle example, averaged over
    ordered triples of different examples (equations 7 and 8 of Park et al. 2019). Needs memory for
    n * n * (n + d) numbers.

    Args:
        student: Features (n, d).
        teacher: Features (n, e).

    Returns:
        0 for fewer than 3 examples.
    """
    n = len(student)
    if n < 3:
        return student.sum() * 0
    same = torch.eye(n, dtype=torch.bool, device=student.device)
    # Indexed by the middle example first, then by the other two.
    triples = ~(same[:, :, None] | same[:, None, :] | same[None, :, :])
    now, kept = (_cosines(f)[triples] for f in (student, teacher))
    return functional.huber_loss(now, kept)


def _differences(features: Tensor) -> Tensor:
    """Return what leads from each example to each other, shape (n, n, d)."""
    return features[None, :, :] - features[:, None, :]


def _normed(distances: Tensor) -> Tensor:
    return distances / distances.mean().clamp_min(torch.finfo(distances.dtype).tiny)


def _cosines(features: Tensor) -> Tensor:
    """Return, for each middle example, the cosines between the ways to two others, (n, n, n)."""
    differences = _differences(features)
    distances = differences.norm(dim=-1, keepdim=True)
    apart = distances > NEGLIGIBLE * distances.detach().mean()
    safe = torch.where(apart, distances, torch.ones_like(distances))
    ways = torch.where(apart, differences / safe, torch.zeros_like(differences))
    return ways @ ways.transpose(1, 2)
