"""An exponential moving average of the weights, which is what is validated and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tlx.strategies.base import TransferModule


class WeightAverage(Callback):
    """Average what training moves, step by step: average = decay average + (1 - decay) weights.

    The first step's weights are the first average (Polyak & Juditsky 1992; Tarvainen & Valpola
    2017, "Mean teachers"). Batch norm's means and variances are averaged too, as those of the last
    batches belong to other weights; whole numbers (how many batches were seen) stay as they are.

    From the start of an epoch's validation to its end the averages stand in the network's place, so
    that they are scored, chosen and kept. This callback therefore belongs behind `BestWeights` and
    before what writes checkpoints, which hold both. (Lightning's own `EMAWeightAveraging` gives
    the place back before the best weights are taken, averages whole numbers, and holds a second
    copy of what is frozen.)

    Args:
        decay: Between 0 and 1; 1 / (1 - decay) is roughly how many steps are averaged over.
    """

    def __init__(self, decay: float) -> None:
        self._average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self._averages: dict[str, Tensor] = {}
        self._weights: dict[str, Tensor] = {}
        self._held: dict[str, Tensor] = {}
        self._steps = 0

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Find what moves, and bring the averages of a checkpoint to where it is."""
        self._weights = _moving(cast("TransferModule", module).backbone.network, trainer)
        self._averages = {n: a.to(self._weights[n].device) for n, a in self._averages.items()}

    def on_train_batch_end(
        self,
        trainer: Trainer,
        module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Take up the weights, where an optimizer has moved them."""
        if trainer.global_step == self._steps:
            return
        self._steps = trainer.global_step
        if self._averages:
            averages = [self._averages[name] for name in self._weights]
            self._average(averages, list(self._weights.values()), self._steps)
        else:
            self._averages = {name: value.clone() for name, value in self._weights.items()}

    def on_validation_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:  # noqa: ARG002
        """Put the averages in the place of the weights."""
        self._held = {name: self._weights[name].clone() for name in self._averages}
        self._put(self._averages)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:  # noqa: ARG002
        """Put the weights back, to go on training."""
        self._put(self._held)
        self._held = {}

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._weights[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Return the averages, for the checkpoint."""
        return {"averages": self._averages, "steps": self._steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the averages of a checkpoint."""
        self._averages, self._steps = dict(state_dict["averages"]), state_dict["steps"]


def _moving(network: nn.Module, trainer: Trainer) -> dict[str, Tensor]:
    """Return what training moves in any epoch, and the buffers that it may move, by name."""
    groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
    trained = {id(parameter) for group in groups for parameter in group["params"]}
    moving = {n: p.detach() for n, p in network.named_parameters() if id(p) in trained}
    return moving | {n: b for n, b in network.named_buffers() if b.is_floating_point()}
