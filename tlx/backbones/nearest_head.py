"""A head without weights: it keeps the training features and votes among the nearest."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from tlx.probes.knn import check_neighbours, vote


class NearestNeighbourHead(nn.Module):
    """Log-probabilities by a vote of the nearest training images; see `knn_probabilities`.

    Everything it needs is in its buffers, so a state dict is enough to build it again.

    Args:
        features: Training features, shape (n, d).
        labels: Their class indices, shape (n,).
        num_classes: How many classes there are.
        neighbours: How many vote, from 1 to n.
        temperature: The smaller, the more the nearest weigh.

    Attributes:
        replaces_intercept: Whether the linear layer in whose place it stands had an intercept.

    Raises:
        ValueError: Where `neighbours` or `temperature` is out of bounds.
    """

    train_features: Tensor
    train_labels: Tensor
    class_counts: Tensor
    neighbours: Tensor
    temperature: Tensor

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        num_classes: int,
        *,
        neighbours: int,
        temperature: float,
    ) -> None:
        super().__init__()
        self.replaces_intercept = True
        check_neighbours(neighbours, len(features), temperature)
        self.register_buffer("train_features", functional.normalize(features.float(), dim=1))
        self.register_buffer("train_labels", labels.to(torch.int64))
        # The number of classes must show in a shape, which is all that early checks read.
        self.register_buffer("class_counts", torch.bincount(labels, minlength=num_classes))
        self.register_buffer("neighbours", torch.tensor(neighbours))
        self.register_buffer("temperature", torch.tensor(temperature))

    @property
    def in_features(self) -> int:
        """The width of the features it takes."""
        return int(self.train_features.shape[1])

    def forward(self, features: Tensor) -> Tensor:
        """Return finite log-probabilities (m, classes) of features (m, d)."""
        queries = functional.normalize(features.to(self.train_features.dtype), dim=1)
        probabilities = vote(
            self.train_features,
            self.train_labels,
            queries,
            len(self.class_counts),
            self.neighbours,
            self.temperature,
        )
        return probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny).log()


def nearest_head_in(
    state: Mapping[str, Tensor], path: str, replaced: nn.Module
) -> NearestNeighbourHead | None:
    """Return an empty head of the shapes that a state dict has at a path; None if it has none.

    Args:
        state: Tensors by qualified name, perhaps on the meta device.
        path: Qualified name of the head.
        replaced: The layer in whose place it will stand.
    """
    features = state.get(f"{path}.train_features")
    counts = state.get(f"{path}.class_counts")
    if features is None or counts is None or features.ndim != 2 or 0 in features.shape:
        return None
    empty = torch.zeros(features.shape)
    labels = torch.zeros(len(features), dtype=torch.int64)
    head = NearestNeighbourHead(empty, labels, len(counts), neighbours=1, temperature=1.0)
    head.replaces_intercept = getattr(replaced, "bias", None) is not None
    return head
