"""What training shows while it runs: a bar on a terminal, one line per epoch in a log."""

from __future__ import annotations

import logging
import time

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import RichProgressBar

MAX_EPOCH_LINES = 50
BAR_REFRESHES_PER_SECOND = 4

_METRICS = (
    ("train_loss", "train loss"),
    ("val_loss", "val loss"),
    ("val_accuracy", "val accuracy"),
)
_logger = logging.getLogger("tlx")


def progress_callbacks(is_terminal: bool) -> list[Callback]:
    """Return the callbacks that show progress.

    Lightning adds a bar of its own unless the trainer is told otherwise: give it
    `enable_progress_bar=is_terminal`.

    Args:
        is_terminal: Whether the output is a terminal (`sys.stderr.isatty()`).

    Returns:
        Lightning's rich progress bar for a terminal, else `EpochLines`.
    """
    if is_terminal:
        return [RichProgressBar(refresh_rate=BAR_REFRESHES_PER_SECOND)]
    return [EpochLines()]


class EpochLines(Callback):
    """Logs one line per epoch to the logger `tlx`, at level INFO.

    `epoch 3/30  train loss 0.412  val loss 0.380  val accuracy 0.912  0.4 s`

    The values are those of `trainer.callback_metrics` under `train_loss`, `val_loss` and
    `val_accuracy`; one that is absent, or was not measured in this epoch, is left out. Beyond 50
    epochs only about 50 are logged, the first and the last one run among them.

    Args:
        max_lines: About how many lines a run may log.
    """

    def __init__(self, max_lines: int = MAX_EPOCH_LINES) -> None:
        self._max_lines = max_lines
        self._epoch_started_s = 0.0
        self._validated = False
        self._held_back: str | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Start the epoch's clock."""
        self._epoch_started_s = time.perf_counter()
        self._validated = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Note that this epoch has validation values of its own."""
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Log the epoch, or hold its line back where there are many."""
        if not trainer.is_global_zero:
            return
        line = self._line(trainer)
        epoch, last = trainer.current_epoch + 1, trainer.max_epochs or -1
        every = max(1, -(-last // self._max_lines))
        if epoch in (1, last) or epoch % every == 0:
            _logger.info(line)
            self._held_back = None
        else:
            self._held_back = line

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Log the last epoch if early stopping made it one that was held back."""
        if self._held_back is not None:
            _logger.info(self._held_back)
            self._held_back = None

    def _line(self, trainer: Trainer) -> str:
        """Return the line of the epoch that just ended."""
        of_all = f"/{trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else ""
        parts = [f"epoch {trainer.current_epoch + 1}{of_all}"]
        measured = trainer.callback_metrics
        for key, label in _METRICS:
            # Lightning keeps values of earlier epochs: those of the last validation, for one.
            if key in measured and (self._validated or not key.startswith("val_")):
                parts.append(f"{label} {float(measured[key]):.3f}")
        parts.append(f"{time.perf_counter() - self._epoch_started_s:.1f} s")
        return "  ".join(parts)
