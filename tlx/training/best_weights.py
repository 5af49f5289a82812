"""The weights of the best epoch, by validation accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from safetensors.torch import load_file, save_file
from torch import nn

from tlx.runs.atomic import atomic_path

if TYPE_CHECKING:
    from tlx.strategies.transfer_module import TransferModule

MONITOR = "val_accuracy"
BEST_FILE = Path("checkpoints/best.safetensors")


class BestWeights(Callback):
    """Keep the weights of the epoch with the highest validation accuracy.

    Of epochs with the same accuracy, as few validation images often give, the one with the lowest
    validation loss is kept, and of equals the earliest.

    Score and epoch travel in the checkpoint. An epoch repeated after a resume gives the same
    weights again, so the file is right however the run was interrupted.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / BEST_FILE
        self.score = float("-inf")
        self.loss = float("inf")
        self.epoch = 0

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Write the weights where the epoch was better than all before."""
        score = float(trainer.callback_metrics[MONITOR])
        loss = float(trainer.callback_metrics["val_loss"])
        if (score, -loss) <= (self.score, -self.loss):
            return
        self.score, self.loss, self.epoch = score, loss, trainer.current_epoch + 1
        self.path.parent.mkdir(exist_ok=True)
        network = cast("TransferModule", module).backbone.network
        with atomic_path(self.path) as temporary:
            save_file({k: v.contiguous() for k, v in network.state_dict().items()}, temporary)

    def restore(self, network: nn.Module) -> None:
        """Load the best epoch's weights into a network of the same structure."""
        network.load_state_dict(load_file(self.path))

    def state_dict(self) -> dict[str, Any]:
        """Return score, loss and epoch, for the checkpoint."""
        return {"score": self.score, "loss": self.loss, "epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up score, loss and epoch of a checkpoint."""
        self.score, self.loss = state_dict["score"], state_dict["loss"]
        self.epoch = state_dict["epoch"]
