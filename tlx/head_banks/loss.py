"""Cross-entropy of many heads at once, with its gradient in closed form."""

from __future__ import annotations

import torch
from torch import Tensor


def cross_entropy(
    logits: Tensor, labels: Tensor, one_hot: Tensor, smoothing: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the mean loss of each head and its gradient by the logits.

    With probabilities p and targets t = (1 - s) one_hot + s / classes (Szegedy et al. 2016,
    section 7) the loss is -sum(t log p), and its gradient p - t. The classes are the last axis
    but one, since softmax over a short last axis is slow.

    Args:
        logits: Shape (groups, heads, classes, images).
        labels: int64, shape (groups, images); heads of a group see the same images.
        one_hot: The labels as rows of the identity, shape (groups, classes, images).
        smoothing: Each head's s, shape (groups, heads); None stands for zeros.

    Returns:
        Losses (groups, heads), and gradients with the logits' shape.
    """
    groups, heads, classes, images = logits.shape
    log_p = torch.log_softmax(logits, dim=2)
    index = labels.view(groups, 1, 1, images).expand(groups, heads, 1, images)
    losses = log_p.gather(2, index).sum(dim=(2, 3)).neg_()
    targets = one_hot.unsqueeze(1)
    if smoothing is not None:
        spread = log_p.sum(dim=(2, 3)).mul_(smoothing / classes)
        losses = losses.mul_(1 - smoothing).sub_(spread)
        share = smoothing.view(groups, heads, 1, 1)
        targets = torch.addcmul(share / classes, targets, 1 - share)
    gradient = log_p.exp_().sub_(targets).div_(images)
    return losses.div_(images), gradient
