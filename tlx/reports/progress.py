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
    ("val_rmse", "val RMSE"),
    ("val_r2", "val R2"),
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

    The values are those of `trainer.callback_metrics` under `train_loss`, `val_loss` and the
    validation scores; one that is absent, or was not measured in this epoch, is left out. Beyond 50
    epochs only about 50 are logged, the first and the last one run among them.

    Args:
        max_lines: About how many lines a run may log.
    """

    def __init__(self, max_lines: int = MAX_EPOCH_LINES) -> None:
        self._max_lines = max_lines
        self._started_s = 0.0
        self._validated = False
        self._ended: tuple[int, float] | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Log the epoch before, where its turn has come, and start this one's clock."""
        self._log_ended(trainer, is_last=False)
        self._started_s = time.perf_counter()
        self._validated = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Note that this epoch has validation values of its own."""
        self._validated = self._validated or not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Stop the epoch's clock.

        Its line waits: Lightning calls the module's own `on_train_epoch_end`, which may log
        `train_loss`, after those of the callbacks.
        """
        self._ended = (trainer.current_epoch + 1, time.perf_counter() - self._started_s)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Log the last epoch, also where stopping early made it the last."""
        self._log_ended(trainer, is_last=True)

    def _log_ended(self, trainer: Trainer, is_last: bool) -> None:
        """Log the epoch that ended, unless there are many and it is not its turn."""
        if self._ended is None or not trainer.is_global_zero:
            return
        epoch, duration_s = self._ended
        self._ended = None
        every = max(1, -(-(trainer.max_epochs or 1) // self._max_lines))
        if is_last or epoch == 1 or epoch % every == 0:
            _logger.info(self._line(trainer, epoch, duration_s))

    def _line(self, trainer: Trainer, epoch: int, duration_s: float) -> str:
        """Return the line of the epoch that ended."""
        of_all = f"/{trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else ""
        parts = [f"epoch {epoch}{of_all}"]
        measured = trainer.callback_metrics
        for key, label in _METRICS:
            # Lightning keeps values of earlier epochs: those of the last validation, for one.
            if key in measured and (self._validated or not key.startswith("val_")):
                parts.append(f"{label} {_short(float(measured[key]))}")
        parts.append(f"{duration_s:.1f} s")
        return "  ".join(parts)


def _short(value: float) -> str:
    """Return three decimals, or as many digits where a number has units and is small or large."""
    return f"{value:.3f}" if 0.01 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"
