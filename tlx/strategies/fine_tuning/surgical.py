"""Surgical fine-tuning: the stages train that the difference between the tasks touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from tlx.errors import Fault
from tlx.strategies.fine_tuning.partial import Partial, TrainStages, chosen_stages
from tlx.strategies.policy import Policy

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Shift = Literal["input", "feature", "output"]


class Surgical(Policy):
    """Train the stages that a shift between source and target task touches, and a new head.

    Where the images differ (noise, blur, another camera) the first stage adapts best, where their
    content differs the middle ones, where only the labels do the last (Lee et al. 2023, "Surgical
    fine-tuning improves adaptation to distribution shifts"). The frozen stages keep model A's
    batch-norm statistics.

    Args:
        backbone: Model A with a head for the target task.
        shift: What differs: `input` trains the first stage, `feature` the middle third of the
            stages, `output` the last stage.
        stages: Names of the stages to train instead, or what `strategy=partial` takes.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        shift: Shift = "input",
        stages: TrainStages | None = None,
    ) -> None:
        names = backbone.stage_names
        chosen = shifted_stages(names, shift) if stages is None else chosen_stages(names, stages)
        self._chosen = frozenset(chosen)
        super().__init__(backbone)

    @classmethod
    def faults(
        cls, stage_names: Sequence[str], *, stages: TrainStages | None = None, **_: Any
    ) -> list[Fault]:
        """Return what is wrong with `stages` for a backbone with these stages."""
        if stages is None:
            return []
        found = Partial.faults(stage_names, train_stages=stages)
        return [Fault("strategy.stages", f.value, f.reason, f.remedy) for f in found]

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return the chosen stages."""
        return self._chosen


def shifted_stages(stage_names: Sequence[str], shift: Shift) -> tuple[str, ...]:
    """Return the stages that a shift asks to train.

    Args:
        stage_names: The backbone's stages in order, one at least.
        shift: See `Surgical`.
    """
    count = len(stage_names)
    if shift == "input":
        return tuple(stage_names[:1])
    if shift == "output":
        return tuple(stage_names[-1:])
    first = count // 3
    return tuple(stage_names[first : max(first + 1, count - first)])
