"""The checkpoint that a run resumes from, written no more often than it is worth."""

from __future__ import annotations

import time
from pathlib import Path

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from tlx.runs.run import LAST_CHECKPOINT

MOST_SHARE = 0.05
"""Most of a fit's time that goes into writing."""


class LastCheckpoint(ModelCheckpoint):
    """Write `checkpoints/last.ckpt` at the end of an epoch.

    Of epochs much shorter than the writing takes, only some are written, the first and the last
    among them. A run killed after one of the others resumes from an earlier epoch; as every epoch
    follows from the seed and its number, it ends like an unbroken run all the same.

    Args:
        folder: The run's folder.
        every_epochs: Of how many epochs one may be written.
    """

    def __init__(self, folder: Path, every_epochs: int) -> None:
        super().__init__(
            (folder / LAST_CHECKPOINT).parent,
            filename=LAST_CHECKPOINT.stem,
            every_n_epochs=every_epochs,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )
        self._worth_again_at = 0.0

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the checkpoint, where enough time has passed since the last one."""
        began = time.perf_counter()
        is_last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        if began < self._worth_again_at and not is_last:
            return
        before = self._last_global_step_saved
        super().on_train_epoch_end(trainer, pl_module)
        if self._last_global_step_saved != before:
            ended = time.perf_counter()
            self._worth_again_at = ended + (ended - began) * (1 / MOST_SHARE - 1)
