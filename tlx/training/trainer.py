"""Lightning's trainer for a run."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import EarlyStopping, ProgressBar

from tlx.machine import Compute
from tlx.objectives.selection import BY_ACCURACY, Selection
from tlx.plan.trainer_settings import TrainerSettings
from tlx.training.checkpoint_file import CheckpointFiles
from tlx.training.last_checkpoint import LastCheckpoint
from tlx.training.memory import keep_freed_memory
from tlx.training.weight_average import WeightAverage


def make_trainer(
    folder: Path,
    settings: TrainerSettings,
    compute: Compute,
    callbacks: list[Callback],
    selection: Selection = BY_ACCURACY,
    run_id: str = "",
) -> Trainer:
    """Return a trainer that writes its checkpoint into a run's folder.

    Lightning runs checkpoint callbacks after all others, so what the others keep of an epoch is
    in the checkpoint of that epoch.

    Args:
        folder: The run's folder.
        settings: How the fit runs.
        compute: Where it runs.
        callbacks: What else watches the fit: history, best weights, progress.
        selection: The score that stopping early watches.
        run_id: The run's id, which its checkpoints carry.
    """
    _quieten_lightning()
    torch.set_num_threads(compute.threads)
    keep_freed_memory()
    if settings.ema_decay is not None:
        callbacks = [*callbacks, WeightAverage(settings.ema_decay)]
    if settings.early_stopping_patience is not None:
        patience = settings.early_stopping_patience
        stopping = EarlyStopping(selection.metric, mode=selection.mode, patience=patience)
        callbacks = [*callbacks, stopping]
    return Trainer(
        accelerator=compute.accelerator,
        devices=1,
        precision=cast(Any, compute.precision),
        max_epochs=settings.epochs,
        gradient_clip_val=settings.gradient_clip_norm,
        callbacks=[*callbacks, LastCheckpoint(folder, settings.checkpoint_every_epochs)],
        plugins=[CheckpointFiles(run_id)],
        logger=False,
        enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic="warn",
        default_root_dir=folder,
    )


def _quieten_lightning() -> None:
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*number of training batches.*smaller than the logging.*")
    warnings.filterwarnings("ignore", ".*in eval mode at the start of training.*")
    warnings.filterwarnings("ignore", ".*isinstance.treespec, LeafSpec.*")
