"""Distillation from model A: its predictions, or its features, kept on the target's images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor, nn
from torch.nn import functional

from tlx.objectives.terms import TARGET_STREAM, ModelInTraining, Stream, Term
from tlx.regularization.distillation_loss import cosine_distance, softened_divergence
from tlx.regularization.head_inputs import as_vectors
from tlx.regularization.regularizer import Regularizer, Temperature, Weight
from tlx.regularization.replica import Replica
from tlx.regularization.source_head import source_head_of, trainable_copy

if TYPE_CHECKING:
    import torch

    from tlx.data.task import Task

Target = Literal["logits", "features"]
Distance = Literal["mse", "cosine"]


@dataclass(frozen=True)
class FeatureDistillation(Regularizer):
    """Add a weight times the distance from what a frozen copy of model A says of each batch.

    `target=logits` is learning without forgetting (Li and Hoiem 2016): model A's own output layer
    stays on the network beside the new head and trains along, and its softened predictions are to
    stay those of model A, whose labels nobody needs. `target=features` holds the features that
    reach the head instead, for a model A without such a layer, and where its classes say little
    about the target's images. The copy runs in `eval()` and sees the augmented images of the
    step. Features are taken as the head gets them, behind dropout where the network has it there.

    The old output layer is no part of model B. It learns at the rate of the last stage.

    Args:
        target: What of model A to keep.
        weight: The term's weight; lambda of Li and Hoiem, who take 1.
        temperature: Softens both predictions, with `logits`; Li and Hoiem take 2. The term is
            multiplied by its square (Hinton et al. 2015).
        distance: With `features`, the mean squared difference (Romero et al. 2015, "FitNets") or
            1 minus the cosine.
    """

    name: ClassVar[str] = "feature_distillation"

    target: Target = "logits"
    weight: Weight = 1.0
    temperature: Temperature = 2.0
    distance: Distance = "mse"

    @property
    def needs_source_head(self) -> bool:
        """Whether logits are distilled."""
        return self.target == "logits"

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:  # noqa: ARG002
        """Return the term, towards model A as it is now."""
        teacher = Replica(model, device)
        if self.target == "features":
            return FeaturePenalty(teacher, self.weight, self.distance)
        head = source_head_of(model.backbone, device)
        return LogitPenalty(teacher, head, self.weight, self.temperature)


class FeaturePenalty(Term):
    """The distance of features from a teacher's.

    Args:
        teacher: Model A.
        weight: Multiplies the distance.
        distance: Which one.
    """

    def __init__(self, teacher: Replica, weight: float, distance: Distance) -> None:
        super().__init__()
        self._teacher = teacher
        self._weight = weight
        self._distance = functional.mse_loss if distance == "mse" else cosine_distance

    def forward(self, streams: Mapping[str, Stream]) -> Tensor:
        """Return the term () for a step."""
        target = streams[TARGET_STREAM]
        kept = self._teacher.features(target.inputs)
        return self._weight * self._distance(as_vectors(target.features), kept)


class LogitPenalty(Term):
    """The divergence of an old output layer's predictions from a teacher's.

    Args:
        teacher: Model A.
        head: Its output layer, frozen.
        weight: Multiplies the divergence.
        temperature: Softens the predictions.

    Attributes:
        source_head: The output layer that trains along.
    """

    def __init__(
        self, teacher: Replica, head: nn.Linear, weight: float, temperature: float
    ) -> None:
        super().__init__()
        self._teacher = teacher
        # In a tuple: it follows from model A, and is no part of checkpoints.
        self._frozen_head = (head,)
        self.source_head = trainable_copy(head)
        self._weight = weight
        self._temperature = temperature

    def forward(self, streams: Mapping[str, Stream]) -> Tensor:
        """Return the term () for a step."""
        target = streams[TARGET_STREAM]
        (frozen,) = self._frozen_head
        kept = frozen(self._teacher.features(target.inputs)).float()
        now = self.source_head(as_vectors(target.features)).float()
        return self._weight * softened_divergence(now, kept, self._temperature)
