"""A fit whose batches change with its epochs: activations while they hold, images after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pytorch_lightning import Callback, Trainer
from pytorch_lightning.utilities import CombinedLoader
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tlx.data.batches import TaskDataModule

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule

    from tlx.strategies.base import TransferModule

Value = TypeVar("Value")
Batch = tuple[Tensor, Tensor]


def of_phase(by_first_epoch: Mapping[int, Value], epoch: int) -> Value:
    """Return the value of the phase that an epoch belongs to.

    Args:
        by_first_epoch: One value for each phase, by its first epoch; one of them starts at 0.
        epoch: The epoch, counted from 0.
    """
    return by_first_epoch[max(first for first in by_first_epoch if first <= epoch)]


class PhasedBatches(TaskDataModule):
    """Batches that depend on the epoch alone, so that a resumed fit takes the right ones.

    The trainer has to reload its data loaders in every epoch.

    Args:
        images: The batches of the task itself.
        batches: The batches of each phase, by its first epoch.
    """

    def __init__(self, images: TaskDataModule, batches: Mapping[int, TaskDataModule]) -> None:
        super().__init__(
            images.task, batch_size=images.batch_size, seed=images.seed, views=images.views
        )
        self._batches = dict(batches)

    def train_dataloader(self) -> DataLoader[Batch] | CombinedLoader:
        """Return the shuffled training batches of the present phase."""
        return self._now().train_dataloader()

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation batches of the present phase."""
        return self._now().val_dataloader()

    def _now(self) -> TaskDataModule:
        return of_phase(self._batches, cast(Any, self.trainer).current_epoch)


class PhaseTails(Callback):
    """Has the module start where the present phase's batches come from.

    Args:
        tails: The tail of each phase, by its first epoch; None where it takes images.
    """

    def __init__(self, tails: Mapping[int, nn.Module | None]) -> None:
        self._tails = dict(tails)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set the tail in an epoch's first step; the start of an epoch is not told on a resume."""
        del batch
        if batch_idx == 0:
            tail = of_phase(self._tails, trainer.current_epoch)
            module = cast("TransferModule", pl_module)
            module.take_cached_inputs(None if tail is None else tail.to(module.device))
