"""Co-tuning: model A's own classes are learned along with the target's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from tlx.errors import Fault
from tlx.objectives.terms import TARGET_STREAM, ModelInTraining, Situation, Stream, Term
from tlx.regularization.class_relationship import class_relationship
from tlx.regularization.distillation_loss import soft_cross_entropy
from tlx.regularization.head_inputs import as_vectors
from tlx.regularization.regularizer import Regularizer, Temperature, Weight
from tlx.regularization.replica import Replica
from tlx.regularization.source_head import source_head_of, trainable_copy

if TYPE_CHECKING:
    from tlx.data.task import Task

log = logging.getLogger("tlx")


@dataclass(frozen=True)
class CoTuning(Regularizer):
    """Add the cross-entropy of model A's output layer against p(source class | target class).

    Each target class stands for a mixture of source classes, learned from model A's predictions of
    the training images before the fit. Model A's output layer stays on the network beside the new
    head, and both train: `CE(new head, y_t) + weight * CE(old head, p(y_s | y_t))`, equation 3 of
    You et al. 2020, "Co-tuning for transfer learning". The relationship is their *direct* one,
    the mean of A's predictions over each target class, on images without augmentation. The paper
    also calibrates A by a temperature that is fitted on validation images of the source task; these
    are not at hand, so the temperature is an option.

    The old output layer is no part of model B. It learns at the rate of the last stage. Class
    probabilities of mixed images mix the relationships alike.

    Args:
        weight: The term's weight; the paper takes 2.3.
        temperature: Divides model A's logits where the relationship is learned; 1 takes model A
            at its word.
    """

    name: ClassVar[str] = "co_tuning"

    weight: Weight = 2.3
    temperature: Temperature = 1.0

    @property
    def needs_source_head(self) -> bool:
        """True: it trains on."""
        return True

    def faults(self, situation: Situation) -> list[Fault]:
        """Return why there are no classes to relate, or no weights to hold."""
        found = super().faults(situation)
        if found or not situation.predicts_number:
            return found
        reason = "it relates classes of both tasks, and the data asks for a number"
        return [Fault("regularizer", self.name, reason, "Use regularizer=l2_sp.")]

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:
        """Return the term, with the relationship that model A sees now."""
        head = source_head_of(model.backbone, device)
        features = Replica(model, device).features_of(task.train)
        probabilities = (head(features) / self.temperature).softmax(dim=1)
        classes = model.backbone.num_classes
        relationship = class_relationship(probabilities, task.train.labels.to(device), classes)
        log.info("%d classes of model A related to %d", relationship.shape[1], classes)
        return CoTuningPenalty(head, relationship, self.weight)


class CoTuningPenalty(Term):
    """The cross-entropy of an old output layer against mixtures of its classes.

    Args:
        head: Model A's output layer.
        relationship: p(y_s | y_t), shape (classes, source classes).
        weight: Multiplies the cross-entropy.

    Attributes:
        source_head: The output layer that trains along.
    """

    def __init__(self, head: nn.Linear, relationship: Tensor, weight: float) -> None:
        super().__init__()
        self.source_head = trainable_copy(head)
        # No buffer: it follows from model A, and is no part of checkpoints.
        self._relationship = relationship
        self._weight = weight

    def forward(self, streams: Mapping[str, Stream]) -> Tensor:
        """Return the term () for a step."""
        target = streams[TARGET_STREAM]
        known, labels = self._relationship, target.labels
        assert labels is not None, "a training split has labels"
        targets = known[labels] if labels.ndim == 1 else labels.to(known) @ known
        logits = self.source_head(as_vectors(target.features)).float()
        return self._weight * soft_cross_entropy(logits, targets)
