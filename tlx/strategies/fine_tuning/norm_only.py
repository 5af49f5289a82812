"""Training the normalisation layers alone: their scales and shifts, and a new head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tlx.errors import Fault
from tlx.strategies.freezing import stage_parameters
from tlx.strategies.parameter_kinds import norm_layers, norm_parameters
from tlx.strategies.policy import Policy

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Statistics = Literal["frozen", "target"]


class NormOnly(Policy):
    """Train the scale and shift of every normalisation layer and a new head; freeze the rest.

    For a target task with little data whose images differ from the source task's: every stage can
    move, yet by a fraction of a percent of the weights. Source: Frankle, Schwab and Morcos 2021,
    "Training BatchNorm and only BatchNorm"; for transfer, Mudrakarta et al. 2019, "K for the price
    of 1".

    Args:
        backbone: Model A with a head for the target task.
        statistics: `frozen` keeps batch norm's means and variances as they are in model A;
            `target` takes them from the batches, and averages them over the target task.
    """

    def __init__(self, backbone: Backbone, *, statistics: Statistics = "frozen") -> None:
        self._statistics = statistics
        super().__init__(backbone)

    @classmethod
    def faults(
        cls,
        stage_names: Sequence[str],  # noqa: ARG003
        *,
        backbone_name: str | None = None,
        statistics: Statistics = "frozen",
        **_: Any,
    ) -> list[Fault]:
        """Return a fault where the backbone has no norms, or none with statistics to learn."""
        from tlx.backbones.construct import construct

        if backbone_name is None:
            return []
        norms = norm_layers(construct(backbone_name, 2, meta=True)).values()
        if not norms:
            reason = f"{backbone_name} has no normalisation layers"
            return [Fault("strategy", "norm_only", reason, "Use strategy=bias_only.")]
        if statistics == "target" and not any(isinstance(norm, _BatchNorm) for norm in norms):
            reason = f"the norms of {backbone_name} keep no statistics"
            return [Fault("strategy.statistics", statistics, reason, "Use frozen.")]
        return []

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return no stage: of each, the norms alone train."""
        return frozenset()

    def trained_parameters(self, epoch: int | None = None) -> frozenset[str]:  # noqa: ARG002
        """Return the parameters of the norms and of the head."""
        return stage_parameters(self.backbone, ()) | norm_parameters(self.backbone.network)

    def modules_that_follow(self) -> list[nn.Module]:
        """Return the norms, where their statistics are to move."""
        norms = norm_layers(self.backbone.network).values()
        return list(norms) if self._statistics == "target" else []

    def describe(self) -> str:
        """Return one line for the console: what trains and what is frozen."""
        count = len(norm_layers(self.backbone.network))
        statistics = "statistics of A" if self._statistics == "frozen" else "statistics move"
        return f"trains {count} norms ({statistics}), head; the rest frozen"
