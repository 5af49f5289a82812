"""Relational distillation: how model A's features of a batch lie to each other is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from tlx.objectives.terms import TARGET_STREAM, ModelInTraining, Stream, Term
from tlx.regularization.head_inputs import as_vectors
from tlx.regularization.regularizer import Regularizer, Weight
from tlx.regularization.relations import angle_loss, distance_loss
from tlx.regularization.replica import Replica

if TYPE_CHECKING:
    import torch

    from tlx.data.task import Task


@dataclass(frozen=True)
class RelationDistillation(Regularizer):
    """Add the distance of relations among a batch's features from those in model A's features.

    Features may turn, shift and stretch freely, which the head makes up for, as long as distances
    and angles between examples keep: RKD of Park et al. 2019, "Relational knowledge
    distillation", on the features that reach the head; 25 and 50 are their weights for
    distillation of classifiers (RKD-DA). The teacher is a frozen copy of model A in `eval()` that
    sees the augmented images of the step.

    Args:
        distance_weight: Weight of distances between two examples.
        angle_weight: Weight of angles among three.
    """

    name: ClassVar[str] = "relation_distillation"

    distance_weight: Weight = 25.0
    angle_weight: Weight = 50.0

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:  # noqa: ARG002
        """Return the term, towards model A as it is now."""
        return RelationPenalty(Replica(model, device), self.distance_weight, self.angle_weight)


class RelationPenalty(Term):
    """The distance of relations from a teacher's.

    Args:
        teacher: Model A.
        distance_weight: Weight of distances; 0 does not compute them.
        angle_weight: Weight of angles; 0 does not compute them.
    """

    def __init__(self, teacher: Replica, distance_weight: float, angle_weight: float) -> None:
        super().__init__()
        self._teacher = teacher
        self._distance_weight = distance_weight
        self._angle_weight = angle_weight

    def forward(self, streams: Mapping[str, Stream]) -> Tensor:
        """Return the term () for a step."""
        target = streams[TARGET_STREAM]
        kept, now = self._teacher.features(target.inputs), as_vectors(target.features)
        term = now.new_zeros(())
        if self._distance_weight:
            term = term + self._distance_weight * distance_loss(now, kept)
        if self._angle_weight:
            term = term + self._angle_weight * angle_loss(now, kept)
        return term
