"""Linear probing, then fine-tuning: all weights train, from a head that fits model A's features."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import torch
from pydantic import Field
from torch import nn

from tlx.errors import Fault
from tlx.strategies.policy import Policy
from tlx.strategies.probes.solved_head import SolvedHead, features_of, solve_head
from tlx.strategies.solver import CLASSES_ALONE

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.data.task import Task

Probing = Literal["logistic", "ridge", "trained"]
log = logging.getLogger("tlx")


class LpFt(Policy):
    """Fit the head to model A's frozen features first, then train all weights.

    A head drawn at random sends gradients into the backbone that distort features which were good
    already; from a fitted head they are small. Better than full fine-tuning above all on images
    unlike the training images. Source: Kumar et al. 2022, "Fine-tuning can distort pretrained
    features and underperform out-of-distribution"; a low `optimizer.lr` belongs to it.

    `logistic` solves for the head (no epoch is spent), on standardised features over a path of
    penalties, chosen by the validation images; its loss is the one that training goes on with.
    `ridge` does so by least squares, whose scores are no log-probabilities, so that the first
    gradients are larger. `trained` spends `probe_epochs` on the head alone, and suits heads that
    are no linear map. Heads are solved for on the images without augmentation, or on all of their
    fixed views.

    Args:
        backbone: Model A with a head for the target task.
        probe: How the head is fitted.
        probe_epochs: Epochs of the head alone, with `trained`.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        probe: Probing = "logistic",
        probe_epochs: Annotated[int, Field(ge=1)] = 5,
    ) -> None:
        self._probe: Probing = probe
        self._probe_epochs = probe_epochs if probe == "trained" else 0
        super().__init__(backbone)

    @classmethod
    def faults(
        cls,
        stage_names: Sequence[str],  # noqa: ARG003
        *,
        backbone_name: str | None = None,
        has_weights: bool = True,
        probe: Probing = "logistic",
        **_: Any,
    ) -> list[Fault]:
        """Return a fault where there is nothing to probe, or the head is no linear map."""
        from tlx.backbones.head_features import why_not_linear

        faults = []
        if not has_weights:
            reason = "without weights model A has no features to spare"
            remedy = "Give backbone.weights, or use strategy=structure_reuse."
            faults.append(Fault("strategy", "lp_ft", reason, remedy))
        if backbone_name is not None and probe != "trained":
            why = why_not_linear(backbone_name)
            if why is not None:
                faults.append(Fault("strategy.probe", probe, why, "Use strategy.probe=trained."))
        return faults

    @classmethod
    def number_faults(cls, name: str, *, probe: Probing = "logistic", **_: Any) -> list[Fault]:  # noqa: ARG003
        """Return a fault where a head would be solved for."""
        if probe == "trained":
            return []
        return [Fault("strategy.probe", probe, CLASSES_ALONE, "Use strategy.probe=trained.")]

    @property
    def uses_auxiliary(self) -> bool:
        """False: drawn at random, their gradients would distort what the probe spares."""
        return False

    def trained_stages(self, epoch: int) -> frozenset[str]:
        """Return no stage while the head trains alone, then every one."""
        if epoch < self._probe_epochs:
            return frozenset()
        return self.ever_trained_stages()

    def ever_trained_stages(self) -> frozenset[str]:
        """Return every stage."""
        return frozenset(self.backbone.stage_names)

    def solving_prefix(self) -> str | None:
        """Return the last stage, behind which the probe is solved."""
        return None if self._probe == "trained" else self.backbone.stage_names[-1]

    def before_first_step(self, task: Task, device: torch.device, tail: nn.Module | None) -> None:
        """Solve for the head."""
        solved = self.solved_head(task, device, tail)
        cast(nn.Linear, self.backbone.head).load_state_dict(solved.layer.state_dict())
        log.info(
            "linear probe (%s, penalty %.3g): validation accuracy %.3f",
            self._probe, solved.point.strength, solved.point.val_accuracy,
        )  # fmt: skip

    def solved_head(
        self, task: Task, device: torch.device, tail: nn.Module | None = None
    ) -> SolvedHead:
        """Return the head that fits model A's features of a task's training split.

        Args:
            task: With a tail, its inputs are activations after the last stage.
            device: Where to compute.
            tail: Takes such activations.
        """
        train = features_of(self.backbone, task.train, device, tail)
        val = features_of(self.backbone, task.val, device, tail)
        return solve_head(
            train,
            task.train.labels,
            val,
            task.val.labels,
            self.backbone.num_classes,
            "ridge" if self._probe == "ridge" else "logistic",
        )

    def describe(self) -> str:
        """Return one line for the console: what trains when."""
        if self._probe == "trained":
            return f"trains the head for {self._probe_epochs} epochs, then all weights"
        return f"solves for the head ({self._probe}), then trains all weights"
