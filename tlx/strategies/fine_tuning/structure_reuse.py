"""Structure reuse: model A's structure, every weight trained again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from tlx.errors import Fault
from tlx.strategies.policy import Policy

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Init = Literal["pretrained", "scratch"]


class StructureReuse(Policy):
    """Keep model A's structure and retrain all weights, from A's or from scratch.

    For a target task that is similar to the source task and has much data. From A's weights
    (`pretrained`) this is full fine-tuning (Girshick et al. 2014; Yosinski et al. 2014, "How
    transferable are features in deep neural networks?"); from scratch it is the baseline that
    any transfer has to beat.

    Args:
        backbone: Model A with a head for the target task; built without weights for `scratch`.
        init: Where the weights start.
    """

    def __init__(self, backbone: Backbone, *, init: Init = "pretrained") -> None:
        self.init = init
        super().__init__(backbone)

    @classmethod
    def faults(
        cls,
        stage_names: Sequence[str],  # noqa: ARG003
        *,
        has_weights: bool = True,
        init: Init = "pretrained",
        **_: Any,
    ) -> list[Fault]:
        """Return a fault where `pretrained` contradicts a model A without weights."""
        if has_weights or init == "scratch":
            return []
        remedy = "Give backbone.weights, or say strategy.init=scratch."
        return [
            Fault("strategy.init", init, "backbone.weights=null leaves none to start from", remedy)
        ]

    @classmethod
    def starts_from_weights(cls, *, init: Init = "pretrained", **_: Any) -> bool:
        """Return whether model B starts from model A's weights."""
        return init == "pretrained"

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return every stage."""
        return frozenset(self.backbone.stage_names)
