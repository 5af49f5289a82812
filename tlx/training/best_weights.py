"""The weights of the best epoch, by a validation score."""

from __future__ import annotations

import logging
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tlx.backbones.weights.fingerprint import state_fingerprint
from tlx.objectives.selection import BY_ACCURACY, Selection
from tlx.runs.atomic import atomic_path

if TYPE_CHECKING:
    from tlx.strategies.base import TransferModule

BEST_FILE = Path("checkpoints/best.safetensors")
CHECKSUM, RUN = "state_fingerprint", "run"
log = logging.getLogger("tlx")


class BestWeights(Callback):
    """Keep the weights of the epoch with the best validation score.

    Of epochs with the same score, as few validation images often give, the one with the lowest
    validation loss is kept, and of equals the earliest.

    They are kept in memory, what never trains excepted, and written when the fit ends, however it
    ends, and before each checkpoint. So the file is right however the run was interrupted: score
    and epoch travel in the checkpoint, whose weights are in the file by then, and an epoch repeated
    after a resume gives the same weights again. What a strategy adds to the layers is merged in
    them (`Policy.plain_state`), so that the file fits the plain network.

    Args:
        folder: The run's folder.
        selection: Which score. `score` is that of the best epoch, turned so that higher is better.
        run_id: The run's id, which the file carries; empty for none.
    """

    def __init__(self, folder: Path, selection: Selection = BY_ACCURACY, run_id: str = "") -> None:
        self.path = folder / BEST_FILE
        self._run_id = run_id
        self._selection = selection
        self.score = float("-inf")
        self.loss = float("inf")
        self.epoch = 0
        self._kept: dict[str, Tensor] | None = None
        self._is_written = True

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Keep the weights where the epoch was better than all before."""
        score = self._selection.worth(trainer.callback_metrics)
        loss = float(trainer.callback_metrics["val_loss"])
        if (score, -loss) <= (self.score, -self.loss):
            return
        self.score, self.loss, self.epoch = score, loss, trainer.current_epoch + 1
        self._kept = _kept_apart(cast("TransferModule", module), _trained_in(trainer))
        self._is_written = False

    def on_save_checkpoint(
        self,
        trainer: Trainer,  # noqa: ARG002
        module: LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],  # noqa: ARG002
    ) -> None:
        """Write the weights that a checkpoint is about to speak of."""
        self.write()

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:  # noqa: ARG002
        """Write the weights."""
        self.write()

    def on_exception(
        self,
        trainer: Trainer,  # noqa: ARG002
        module: LightningModule,  # noqa: ARG002
        exception: BaseException,  # noqa: ARG002
    ) -> None:
        """Write the weights of a fit that failed or was interrupted."""
        self.write()

    def write(self) -> None:
        """Write the weights, unless they are in the file already."""
        if self._is_written or self._kept is None:
            return
        self.path.parent.mkdir(exist_ok=True)
        state = {name: value.contiguous() for name, value in self._kept.items()}
        about = {CHECKSUM: state_fingerprint(state), RUN: self._run_id}
        with atomic_path(self.path, durable=True) as temporary:
            save_file(state, temporary, metadata=about)
        self._is_written = True

    def is_whole(self) -> bool:
        """Return whether the file can be used, by its checksum; else the log says why.

        Files of older versions have no checksum, and are only read through.
        """
        fault = _fault(self.path, self._run_id)
        if fault is not None:
            told = "%s cannot be used: %s; the fit starts from its first epoch"
            log.warning(told, self.path, fault)
        return fault is None

    def restore(self, network: nn.Module) -> None:
        """Load the best epoch's weights into a network of the same structure."""
        self.write()
        self._kept = None
        state = OrderedDict(load_file(self.path))
        # The file holds tensors alone; MNASNet reads the version of its layers beside them.
        state._metadata = network.state_dict()._metadata  # type: ignore[attr-defined]
        network.load_state_dict(state)

    def state_dict(self) -> dict[str, Any]:
        """Return score, loss and epoch, for the checkpoint."""
        return {"score": self.score, "loss": self.loss, "epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up score, loss and epoch of a checkpoint."""
        self.score, self.loss = state_dict["score"], state_dict["loss"]
        self.epoch = state_dict["epoch"]


def _fault(path: Path, run_id: str) -> str | None:
    if not path.is_file():
        return "it is no file" if path.exists() else "it is gone"
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
        found = state_fingerprint(load_file(path))
    except Exception as error:  # safetensors has several
        return f"it cannot be read ({' '.join(str(error).split())})"
    if about.get(CHECKSUM, found) != found:
        return "its checksum differs"
    if run_id and about.get(RUN, run_id) not in ("", run_id):
        return "it is of another run"
    return None


def _trained_in(trainer: Trainer) -> set[int]:
    """Return the identities of the parameters that an optimizer changes, now or in any epoch."""
    groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
    return {id(parameter) for group in groups for parameter in group["params"]}


def _kept_apart(module: TransferModule, trained: set[int]) -> dict[str, Tensor]:
    """Return the plain network's state, of which training changes nothing any more.

    Args:
        module: The strategy over the network.
        trained: The identities of the parameters that training changes; buffers it may change.
    """
    named = module.backbone.network.named_parameters()
    frozen = {name for name, value in named if id(value) not in trained}
    return {
        name: value if name in frozen else value.detach().to("cpu", copy=True)
        for name, value in module.policy.plain_state().items()
    }
