"""L2-SP: weights drawn to model A's instead of to zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from tlx.errors import Fault
from tlx.objectives.terms import ModelInTraining, Situation, Term
from tlx.regularization.regularizer import Regularizer, Weight
from tlx.regularization.starting_point import StartingPointPenalty

if TYPE_CHECKING:
    import torch

    from tlx.data.task import Task


@dataclass(frozen=True)
class L2Sp(Regularizer):
    """Add `alpha / 2 * |w - w_A|^2` over model A's weights that train.

    It takes the place of weight decay there, norms and biases included; the head, which starts
    from nothing, keeps the optimizer's weight decay, and buffers (batch-norm statistics) are left
    alone. Source: equation 2 of Li, Grandvalet and Davoine 2018, "Explicit inductive bias for
    transfer learning with convolutional networks", where alpha lies between 0.001 and 0.1, the
    head's decay is 0.01, and the optimizer is SGD. AdamW divides the term's gradient by the
    running size of the whole gradient, as it would any term of a loss.

    As a prior: with the cross-entropy summed over n examples, the fit looks for the most probable
    weights under a Gaussian prior centred on model A, `w ~ N(w_A, 1 / (n alpha) I)`; weight decay
    is the same prior centred on 0. What model A learned is the best guess before any example of
    the target task is seen, and alpha says how sure that guess is.

    Args:
        alpha: The strength; 0 leaves these weights without any penalty or decay.
    """

    name: ClassVar[str] = "l2_sp"

    alpha: Weight = 0.01

    def faults(self, situation: Situation) -> list[Fault]:
        """Return why there is no weight of model A to hold."""
        return super().faults(situation) or untrained_faults(self.name, situation)

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:  # noqa: ARG002
        """Return the term, around the weights as they are now."""
        return StartingPointPenalty(held_parameters(model), self.alpha, device)


def held_parameters(model: ModelInTraining) -> dict[str, nn.Parameter]:
    """Return model A's own parameters in front of the head that ever train, by name."""
    held = model.trained_source_weights()
    named = model.backbone.network.named_parameters()
    return {name: parameter for name, parameter in named if name in held}


def untrained_faults(name: str, situation: Situation) -> list[Fault]:
    """Return a fault where new parameters train, but none of model A's.

    Args:
        name: The regulariser's name.
        situation: What it would have to do with.
    """
    if situation.trained_weights:
        return []
    reason = f"strategy={situation.strategy} leaves every weight of model A where it is"
    remedy = "Use regularizer=none, or feature_distillation, which holds features."
    return [Fault("regularizer", name, reason, remedy)]
