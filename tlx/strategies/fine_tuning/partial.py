"""Partial retraining: some stages of model A train, the rest is frozen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from tlx.errors import Fault, did_you_mean
from tlx.strategies.policy import Policy

if TYPE_CHECKING:
    from tlx.backbones import Backbone

TrainStages = Annotated[int, Field(ge=1)] | str | list[str]


class Partial(Policy):
    """Retrain chosen stages of model A and a new head; freeze the rest.

    For a target task that is dissimilar to the source task and has little data: early stages
    hold features general enough to keep, late ones are particular to the source task (Yosinski
    et al. 2014, "How transferable are features in deep neural networks?"). Where it is the input
    that differs, training the first stages can serve better (Lee et al. 2023, "Surgical
    fine-tuning").

    Args:
        backbone: Model A with a head for the target task.
        train_stages: A number k or `last:k` (the last k stages), `first:k`, a stage's name, or
            a list of names; `python -m tlx.backbones NAME` lists a backbone's stages.
    """

    def __init__(self, backbone: Backbone, *, train_stages: TrainStages = 1) -> None:
        self._chosen = frozenset(chosen_stages(backbone.stage_names, train_stages))
        super().__init__(backbone)

    @classmethod
    def faults(
        cls, stage_names: Sequence[str], *, train_stages: TrainStages = 1, **_: Any
    ) -> list[Fault]:
        """Return what is wrong with `train_stages` for a backbone with these stages."""
        wrong = [f"no stage {n!r}" for n in _names(train_stages) if n not in stage_names]
        remedy = " ".join(
            did_you_mean(n, stage_names) for n in _names(train_stages) if n not in stage_names
        )
        end = _end(train_stages)
        if end is not None and not 1 <= end[1] <= len(stage_names):
            wrong = [f"the backbone has {len(stage_names)} stages"]
            remedy = f"Choose 1 to {len(stage_names)}: {', '.join(stage_names)}."
        elif end is None and not _names(train_stages):
            wrong = ["no stage is named"]
            remedy = "Name one, or use strategy=feature_extraction to freeze them all."
        if not wrong:
            return []
        return [Fault("strategy.train_stages", train_stages, ", ".join(wrong), remedy)]

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return the chosen stages."""
        return self._chosen


def chosen_stages(stage_names: Sequence[str], train_stages: TrainStages) -> tuple[str, ...]:
    """Return the names of the stages that `train_stages` stands for.

    Args:
        stage_names: The backbone's stages in order.
        train_stages: See `Partial`.

    Raises:
        ValueError: Where it names no stage of the backbone.
    """
    faults = Partial.faults(stage_names, train_stages=train_stages)
    if faults:
        raise ValueError(str(faults[0]))
    end = _end(train_stages)
    if end is None:
        return tuple(name for name in stage_names if name in _names(train_stages))
    return tuple(stage_names[: end[1]] if end[0] == "first" else stage_names[-end[1] :])


def _end(train_stages: TrainStages) -> tuple[str, int] | None:
    if isinstance(train_stages, int):
        return "last", train_stages
    match = (
        re.fullmatch(r"(first|last):(\d+)", train_stages) if isinstance(train_stages, str) else None
    )
    return (match[1], int(match[2])) if match else None


def _names(train_stages: TrainStages) -> list[str]:
    if isinstance(train_stages, int) or _end(train_stages):
        return []
    return [train_stages] if isinstance(train_stages, str) else list(train_stages)
