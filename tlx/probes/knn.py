"""Weighted nearest neighbours by cosine similarity."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tlx.probes.examples import examples


def knn_probabilities(
    train_features: Tensor,
    train_labels: Tensor,
    query_features: Tensor,
    num_classes: int,
    neighbours: int,
    temperature: float = 0.07,
    *,
    batch_size: int = 1024,
) -> Tensor:
    """Return class probabilities by a softmax vote of the nearest training images.

    Each of the k training images most similar to a query (cosine) votes for its class with a
    weight of `exp(similarity / temperature)`; the weights of the k sum to 1. Source: Wu et al.
    2018, "Unsupervised feature learning via non-parametric instance discrimination", section 3.4;
    Oquab et al. 2023, "DINOv2", whose evaluation divides by the sum over its largest k instead,
    which changes no prediction.

    Args:
        train_features: Shape (n, d).
        train_labels: Class indices, shape (n,).
        query_features: Shape (m, d).
        num_classes: How many classes there are.
        neighbours: k, from 1 to n.
        temperature: The smaller, the more the nearest weigh.
        batch_size: Queries compared at a time.

    Returns:
        Probabilities, shape (m, num_classes), in the precision of the training features.

    Raises:
        ValueError: Where the examples are unfit, k is not from 1 to n, or the temperature is not
            positive.
    """
    given = examples(train_features, train_labels, num_classes)
    check_neighbours(neighbours, len(train_features), temperature)
    known = functional.normalize(train_features, dim=1)
    queries = functional.normalize(query_features.to(known), dim=1)
    votes = [
        vote(known, given.labels, batch, num_classes, neighbours, temperature)
        for batch in torch.split(queries, batch_size)
    ]
    return torch.cat(votes)


def check_neighbours(neighbours: int, images: int, temperature: float) -> None:
    """Check k against the number of training images, and the temperature.

    Raises:
        ValueError: Where k is not from 1 to the number of images, or the temperature is not
            positive.
    """
    if not 1 <= neighbours <= images:
        raise ValueError(
            f"neighbours={neighbours}: there are {images} training examples; choose 1 to {images}"
        )
    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: a positive number is needed")


def vote(
    known: Tensor,
    labels: Tensor,
    queries: Tensor,
    num_classes: int,
    neighbours: int | Tensor,
    temperature: float | Tensor,
) -> Tensor:
    """Return `knn_probabilities` of one batch of features that all have length 1 already.

    Args:
        known: Training features, shape (n, d).
        labels: Their class indices, shape (n,).
        queries: Features in question, shape (m, d).
        num_classes: How many classes there are.
        neighbours: k.
        temperature: See `knn_probabilities`.
    """
    similarity, nearest = (queries @ known.T).topk(int(neighbours), dim=1)
    weights = torch.softmax(similarity / temperature, dim=1)
    probabilities = weights.new_zeros(len(queries), num_classes)
    return probabilities.scatter_add_(1, labels[nearest], weights)
