"""A fit whose scores and weights are known beforehand, under Lightning's real trainer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

from tlx.plan.trainer_settings import TrainerSettings
from tlx.training.device import choose_compute
from tlx.training.trainer import make_trainer

STEPS_PER_EPOCH = 4


class Scripted(LightningModule):
    """A module that reports given accuracies; its weight counts the epochs.

    Args:
        accuracies: Validation accuracy of each epoch.
        fails_in: Epoch (from 0) in whose second step the fit breaks.
        losses: Validation loss of each epoch; None means 1 throughout.
    """

    def __init__(
        self,
        accuracies: list[float],
        fails_in: int | None = None,
        losses: list[float] | None = None,
    ) -> None:
        super().__init__()
        self.accuracies = accuracies
        self.losses = losses or [1.0] * len(accuracies)
        self.fails_in = fails_in
        self.backbone = SimpleNamespace(network=nn.Linear(1, 1))
        self.network = self.backbone.network
        nn.init.zeros_(self.network.weight)

    @property
    def policy(self) -> Any:
        return SimpleNamespace(plain_state=self.backbone.network.state_dict, finish=lambda: None)

    def training_step(self, batch: list[Tensor], batch_index: int) -> Tensor:
        if (self.current_epoch, batch_index) == (self.fails_in, 1):
            raise RuntimeError("broken off")
        loss: Tensor = 0 * self.network(batch[0]).square().mean()  # leaves the weight as it is
        self.log("train_loss", float(self.current_epoch), on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_start(self) -> None:
        nn.init.constant_(self.network.weight, self.current_epoch + 1)

    def validation_step(self, batch: list[Tensor], batch_index: int) -> None:
        self.log("val_loss", self.losses[self.current_epoch])
        self.log("val_accuracy", self.accuracies[self.current_epoch])

    def configure_optimizers(self) -> Any:
        optimizer = SGD(self.network.parameters(), lr=1.0)
        schedule = LambdaLR(optimizer, lambda step: 1.0 / (step + 1))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def fit_scripted(
    folder: Path, module: Scripted, callbacks: list[Callback], *, resume: bool | Path | None = False
) -> None:
    """Fit with the trainer that runs use, from the last checkpoint if asked."""
    settings = TrainerSettings(epochs=len(module.accuracies), device="cpu", threads=1)
    trainer = make_trainer(folder, settings, choose_compute(settings), callbacks)
    data = DataLoader(TensorDataset(torch.ones(STEPS_PER_EPOCH, 1)))
    checkpoint = folder / "checkpoints/last.ckpt" if resume is True else resume or None
    trainer.fit(module, data, data, ckpt_path=checkpoint, weights_only=True)
