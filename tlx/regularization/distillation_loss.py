"""How far a student's outputs are from a teacher's."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def softened_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return `T^2 * KL(teacher || student)` of probabilities softened by a temperature T.

    Its gradient is that of the cross-entropy of softened probabilities (equation 2 of Li and
    Hoiem 2016; Hinton et al. 2015, "Distilling the knowledge in a neural network"); the
    divergence is 0 where both agree. Softening shrinks the gradient by T^2, which the factor makes
    up for.

    Args:
        student: Logits (n, classes).
        teacher: Logits (n, classes).
        temperature: T, above 0.

    Returns:
        The mean over examples, ().
    """
    divergence = functional.kl_div(
        (student / temperature).log_softmax(dim=1),
        (teacher / temperature).log_softmax(dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return temperature**2 * divergence


def soft_cross_entropy(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Return the mean over examples of `-sum_k p_k log softmax(logits)_k`, ().

    Args:
        logits: Shape (n, classes).
        probabilities: Shape (n, classes), rows summing to 1.
    """
    return -(probabilities * logits.log_softmax(dim=1)).sum(dim=1).mean()


def cosine_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean over examples of 1 minus the cosine of two vectors (n, d), ()."""
    return (1 - functional.cosine_similarity(student, teacher, dim=1)).mean()
