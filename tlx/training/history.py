"""The run's `metrics.csv`: one row per epoch, exact across a resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pytorch_lightning import Callback, LightningModule, Trainer

from tlx.runs.atomic import atomic_path
from tlx.runs.history_file import HISTORY_FILE


class EpochHistory(Callback):
    """Keep one row per epoch and write them all after each.

    The rows travel in the checkpoint, so a resumed fit continues the table from the epoch it
    continues from; rows of a later, lost epoch do not stay. `learning_rate` is that of the
    epoch's last step; what a term adds to `train_loss` stands in a column of its own.

    Args:
        folder: The run's folder.
        observe: Is told of each row as its epoch ends.
        scores: The validation scores that each row has.
        terms: Names of the loss's terms; `train_NAME` is the mean of each.
    """

    def __init__(
        self,
        folder: Path,
        observe: Callable[[Mapping[str, float]], None] | None = None,
        scores: Sequence[str] = ("val_loss", "val_accuracy"),
        terms: Sequence[str] = (),
    ) -> None:
        self.path = folder / HISTORY_FILE
        self.rows: list[dict[str, float]] = []
        self._observe = observe
        self._columns = ("train_loss", *scores, *(f"train_{name}" for name in terms))
        self._started = time.perf_counter()
        self._learning_rate = 0.0

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:  # noqa: ARG002
        """Start the epoch's clock."""
        self._started = time.perf_counter()

    def on_train_batch_start(
        self,
        trainer: Trainer,
        module: LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_index: int,  # noqa: ARG002
    ) -> None:
        """Keep the learning rate of the step, before the schedule moves on."""
        self._learning_rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:  # noqa: ARG002
        """Add the epoch's row."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append(
            {
                "epoch": trainer.current_epoch + 1,
                "step": trainer.global_step,
                **{name: metrics[name] for name in self._columns},
                "learning_rate": self._learning_rate,
                "seconds": round(time.perf_counter() - self._started, 4),
            }
        )
        with atomic_path(self.path) as temporary:
            pd.DataFrame(self.rows).to_csv(temporary, index=False)
        if self._observe is not None:
            self._observe(self.rows[-1])

    def state_dict(self) -> dict[str, Any]:
        """Return the rows, for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the rows of a checkpoint."""
        self.rows = list(state_dict["rows"])
