"""How a fit runs: its length, its device, its numerics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

Count = Annotated[int, Field(ge=1)]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class TrainerSettings:
    """How a fit runs.

    Args:
        epochs: Passes over the training images.
        batch_size: Images per optimizer step.
        early_stopping_patience: Epochs without a better validation accuracy (of numbers: a lower
            RMSE) before the fit stops; None trains all epochs.
        gradient_clip_norm: Longest gradient (2-norm over all parameters); None does not clip.
        ema_decay: Validate and save an exponential moving average of the weights over the steps,
            with this decay; None averages nothing.
        device: Where to compute; `auto` takes an accelerator where there is one.
        precision: Number format; `auto` mixes precisions where the device gains by it.
        channels_last: Memory layout of images; `auto` changes it where the device gains by it.
        threads: CPU threads; None takes the CPUs this process may use.
        checkpoint_every_epochs: How often the checkpoint for resuming is written, at most; of
            epochs shorter than that takes, fewer are.
    """

    epochs: Count = 30
    batch_size: Count = 32
    early_stopping_patience: Count | None = None
    gradient_clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    device: Device = "auto"
    precision: Precision = "auto"
    channels_last: Literal["auto"] | bool = "auto"
    threads: Count | None = None
    checkpoint_every_epochs: Count = 1
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
