"""What every regulariser of fine-tuning is: options that become a term of the training loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tlx.errors import Fault
from tlx.objectives.terms import ModelInTraining, Situation, Term

if TYPE_CHECKING:
    import torch

    from tlx.data.task import Task

Weight = Annotated[float, Field(ge=0)]
Temperature = Annotated[float, Field(gt=0)]


class Regularizer:
    """Options of a way to hold model B near model A, which go with any strategy that trains."""

    name: ClassVar[str]
    streams: ClassVar[frozenset[str]] = frozenset()

    @property
    def needs_source_head(self) -> bool:
        """Whether model A's own last layer is needed, which its new head replaces."""
        return False

    def faults(self, situation: Situation) -> list[Fault]:
        """Return why this does not go with a plan."""
        return common_faults(self.name, situation, needs_source_head=self.needs_source_head)

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:
        """Return the term of the loss for a fit, see `TermOptions.bind`."""
        raise NotImplementedError


def common_faults(
    name: str, situation: Situation, *, needs_source_head: bool = False
) -> list[Fault]:
    """Return the first reason for which a regulariser cannot hold anything.

    Args:
        name: The regulariser's name.
        situation: What it would have to do with.
        needs_source_head: Whether it needs model A's own last layer.
    """
    leave_out = "Use regularizer=none"
    why, remedy = None, f"{leave_out}."
    if situation.solves:
        why = f"strategy={situation.strategy} solves for its head, there is no training to hold"
        remedy = f"{leave_out}, or a strategy that trains."
    elif not situation.from_weights:
        why = "model B starts from scratch, there is no model A to stay near"
        remedy = f"{leave_out}, or start from weights (backbone.weights, strategy.init=pretrained)."
    elif not situation.trains_features:
        why = f"strategy={situation.strategy} trains nothing but the head, which has no model A"
        remedy = f"{leave_out}, or a strategy that trains more."
    elif needs_source_head and situation.why_no_source_head is not None:
        why = situation.why_no_source_head
        remedy = "Use regularizer=l2_sp, or relation_distillation."
    return [] if why is None else [Fault("regularizer", name, why, remedy)]
