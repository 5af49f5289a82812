"""Lightning's trainer for a run."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

from tlx.runs.run import BEST_CHECKPOINT, LAST_CHECKPOINT
from tlx.training.device import Compute
from tlx.training.history import EpochHistory
from tlx.training.settings import TrainerSettings

MONITOR = "val_accuracy"


def make_trainer(
    folder: Path, settings: TrainerSettings, compute: Compute, progress: list[Callback]
) -> Trainer:
    """Return a trainer that writes its checkpoints and history into a run's folder.

    The callbacks' order matters: the history's row must be in the checkpoint of its epoch, so
    the checkpoints come last (Lightning sees to that).

    Args:
        folder: The run's folder.
        settings: How the fit runs.
        compute: Where it runs.
        progress: Callbacks that show progress.
    """
    _quieten_lightning()
    torch.set_num_threads(compute.threads)
    callbacks: list[Callback] = [EpochHistory(folder), *progress]
    if settings.early_stopping_patience is not None:
        patience = settings.early_stopping_patience
        callbacks.append(EarlyStopping(MONITOR, mode="max", patience=patience))
    return Trainer(
        accelerator=compute.accelerator,
        devices=1,
        precision=compute.precision,
        max_epochs=settings.epochs,
        gradient_clip_val=settings.gradient_clip_norm,
        callbacks=[*callbacks, *_checkpoints(folder, settings.checkpoint_every_epochs)],
        logger=False,
        enable_progress_bar=any(
            callback.__class__.__name__.endswith("Bar") for callback in progress
        ),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic=True,
        default_root_dir=folder,
    )


def _checkpoints(folder: Path, every_epochs: int) -> list[Callback]:
    best = ModelCheckpoint(
        (folder / BEST_CHECKPOINT).parent,
        filename=BEST_CHECKPOINT.stem,
        monitor=MONITOR,
        mode="max",
        save_weights_only=True,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )
    last = ModelCheckpoint(
        (folder / LAST_CHECKPOINT).parent,
        filename=LAST_CHECKPOINT.stem,
        every_n_epochs=every_epochs,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )
    return [best, last]


def _quieten_lightning() -> None:
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*number of training batches.*smaller than the logging.*")
