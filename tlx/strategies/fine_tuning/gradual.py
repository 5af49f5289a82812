"""Gradual unfreezing: stage by stage from the head down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from tlx.errors import Fault
from tlx.strategies.policy import Policy

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Count = Annotated[int, Field(ge=1)]


class Gradual(Policy):
    """Train the head first, then unfreeze the last stage, the one before it, and so on.

    The head learns before gradients of a head drawn at random could disturb the stages, and the
    most particular stages move first. Source: Howard and Ruder 2018, "Universal language model
    fine-tuning for text classification", section 3.3. A frozen stage keeps model A's batch-norm
    statistics until its turn comes. One learning-rate schedule runs over the whole fit.

    Args:
        backbone: Model A with a head for the target task.
        every_epochs: Epochs from one unfreezing to the next.
        stages: How many stages, counted from the head, are unfrozen in the end; None means all.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        every_epochs: Count = 1,
        stages: Count | None = None,
    ) -> None:
        self._every_epochs = every_epochs
        self._count = len(backbone.stages) if stages is None else stages
        super().__init__(backbone)

    @classmethod
    def faults(
        cls, stage_names: Sequence[str], *, stages: int | None = None, **_: Any
    ) -> list[Fault]:
        """Return a fault where the backbone has fewer stages."""
        if stages is None or stages <= len(stage_names):
            return []
        remedy = f"Choose 1 to {len(stage_names)}, or null for all: {', '.join(stage_names)}."
        reason = f"the backbone has {len(stage_names)} stages"
        return [Fault("strategy.stages", stages, reason, remedy)]

    def trained_stages(self, epoch: int) -> frozenset[str]:
        """Return the stages unfrozen by an epoch: none in the first `every_epochs`."""
        return self._last(min(self._count, epoch // self._every_epochs))

    def ever_trained_stages(self) -> frozenset[str]:
        """Return the stages that are unfrozen in the end."""
        return self._last(self._count)

    def describe(self) -> str:
        """Return one line for the console: what trains when."""
        every = "every epoch" if self._every_epochs == 1 else f"every {self._every_epochs} epochs"
        frozen = len(self.backbone.stages) - self._count
        names = self.backbone.stage_names
        way = f"{names[-1]} to {names[-self._count]}" if self._count > 1 else names[-1]
        return f"trains the head, then unfreezes {way}, one stage {every}; {frozen} stages frozen"

    def _last(self, count: int) -> frozenset[str]:
        names = self.backbone.stage_names
        return frozenset(names[len(names) - count :])
