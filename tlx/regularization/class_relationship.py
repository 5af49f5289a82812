"""How the classes of a source task go with those of a target task."""

from __future__ import annotations

import torch
from torch import Tensor


def class_relationship(source_probabilities: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Return p(y_s | y_t): the mean of model A's predictions over the images of each target class.

    The direct way of You et al. 2020, "Co-tuning for transfer learning", section 3.2; their
    other one fits p(y_t | y_s) by logistic regression and turns it round with Bayes' rule.

    Args:
        source_probabilities: Model A's predictions of the training images, shape (n, source
            classes).
        labels: Their class indices, shape (n,).
        num_classes: Classes of the target task.

    Returns:
        Shape (num_classes, source classes), rows summing to 1. A class without images gets the
        mean over all images.
    """
    members = torch.nn.functional.one_hot(labels, num_classes).to(source_probabilities)
    counts = members.sum(dim=0)
    sums = members.T @ source_probabilities
    overall = source_probabilities.mean(dim=0, keepdim=True)
    means = sums / counts.clamp_min(1)[:, None]
    return torch.where(counts[:, None] > 0, means, overall)
