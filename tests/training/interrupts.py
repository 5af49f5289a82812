"""Ctrl-C in the middle of a fit, and Python's way with it put back afterwards."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class StopInEpoch(Callback):
    """Ctrl-C in the second step of an epoch (from 0)."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_index: int
    ) -> None:
        if (trainer.current_epoch, batch_index) == (self.epoch, 1):
            raise KeyboardInterrupt


@contextmanager
def interrupts_restored() -> Iterator[None]:
    """Put back what Ctrl-C does: Lightning turns it off when it meets one."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
