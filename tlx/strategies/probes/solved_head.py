"""A head solved for on frozen features, as the start of a fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from tlx.backbones.head_features import head_features
from tlx.data.batches import in_order
from tlx.errors import TlxError
from tlx.probes.logistic import MISSING_CLASS_SCORE, logistic_solutions
from tlx.probes.ridge import ridge_solutions
from tlx.probes.selection import PathPoint, accuracy_and_loss, best_point
from tlx.probes.standardise import standardisation
from tlx.strategies.probes.probe import linear_head

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.data.task import Split
    from tlx.probes.solution import LinearSolution

Solver = Literal["logistic", "ridge"]
INVERSE_PENALTIES = np.logspace(-4, 2, 13).tolist()
"""Values of C: two per decade."""
PENALTIES = [2.0**k for k in range(-10, 21, 2)]


@dataclass(frozen=True)
class SolvedHead:
    """The best head of a path, by the validation images.

    Args:
        layer: Takes raw features (n, d), returns logits (n, classes).
        point: Its penalty and its validation scores.
    """

    layer: nn.Linear
    point: PathPoint


def features_of(
    backbone: Backbone, split: Split, device: torch.device, tail: nn.Module | None = None
) -> Tensor:
    """Return what reaches the head for each uint8 image of a split, on the CPU, shape (n, d).

    The backbone is put into `eval()`.

    Args:
        backbone: Model A.
        split: Its images, or activations behind a cut.
        device: Where to compute.
        tail: Takes such activations; None where the split has images.

    Raises:
        TlxError: Where a feature is not finite.
    """
    backbone.to(device).eval()
    model = backbone if tail is None else tail.to(device).eval()
    batches = in_order(split.inputs)
    inputs = (batch.to(device) for batch in batches)
    prepared = inputs if tail is not None else map(backbone.preprocess, inputs)
    features = torch.cat([head_features(backbone, model, batch) for batch in prepared])
    if not bool(features.isfinite().all()):
        raise TlxError("model A's features are not finite. Check backbone.weights.")
    return features


def solve_head(
    train: Tensor, labels: Tensor, val: Tensor, val_labels: Tensor, classes: int, solver: Solver
) -> SolvedHead:
    """Return the best of a path of linear classifiers of features.

    A class without a training image gets, in the place of a score that would be as good as minus
    infinity, the lowest score that any other class gets on a training image: the fit which follows
    starts from it, and with label smoothing the loss must stay moderate.

    Args:
        train: Training features, shape (n, d).
        labels: Their class indices, shape (n,).
        val: Validation features, shape (m, d).
        val_labels: Their class indices, shape (m,).
        classes: How many classes there are.
        solver: Which problem each point of the path solves.
    """
    layers = [linear_head(s) for s in _path(train, labels, classes, solver)]
    strengths = PENALTIES if solver == "ridge" else [1 / c for c in INVERSE_PENALTIES]
    points = [
        PathPoint(strength, *accuracy_and_loss(layer, val, val_labels))
        for strength, layer in zip(strengths, layers, strict=True)
    ]
    best = best_point(points)
    _soften_missing(layers[best], train, labels)
    return SolvedHead(layers[best], points[best])


def _path(train: Tensor, labels: Tensor, classes: int, solver: Solver) -> Iterator[LinearSolution]:
    if solver == "logistic":
        yield from logistic_solutions(train, labels, classes, INVERSE_PENALTIES)
        return
    scale = standardisation(train)
    for solution in ridge_solutions(scale.apply(train), labels, classes, PENALTIES):
        yield scale.fold(solution)


@torch.no_grad()
def _soften_missing(layer: nn.Linear, train: Tensor, labels: Tensor) -> None:
    counts = torch.bincount(labels.cpu(), minlength=layer.out_features)
    missing = (counts == 0) & (layer.bias == MISSING_CLASS_SCORE)
    if bool(missing.any()):
        layer.bias[missing] = layer(train)[:, ~missing].min()
