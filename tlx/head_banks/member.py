"""One job of a head bank: what it starts from, and what it ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from tlx.plan.trainer_settings import TrainerSettings
    from tlx.strategies.base import Training


@dataclass(frozen=True)
class FeatureSplit:
    """The images of one split as the frozen prefix sees them.

    Args:
        features: Values at the cut, shape (n, ...), float32.
        labels: int64 class indices, shape (n,).
    """

    features: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class Member:
    """A job of a head bank. Members that share data shall share the `FeatureSplit` objects.

    Args:
        train: What it learns from.
        val: What its epochs are evaluated on.
        initial: Its head's initial parameters, by their names in the tail.
        training: Loss, optimizer, schedule and seed, as for a job alone.
        trainer: Length of the fit, batch size, clipping and patience, as for a job alone.
    """

    train: FeatureSplit
    val: FeatureSplit
    initial: Mapping[str, Tensor]
    training: Training
    trainer: TrainerSettings


@dataclass(frozen=True)
class EpochRow:
    """One epoch of a job, with the columns of a run's `metrics.csv`.

    Args:
        epoch: Counted from 1.
        step: Optimizer steps so far.
        train_loss: Mean over the epoch's images.
        val_loss: Mean cross-entropy over the validation images, without smoothing.
        val_accuracy: Share of the validation images.
        learning_rate: Of the epoch's last step.
        seconds: The job's share of the epoch's wall time.
    """

    epoch: int
    step: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


@dataclass
class MemberHistory:
    """What came of a member.

    Args:
        rows: One per epoch trained.
        best_state: The head's parameters of the best epoch, by their names in the tail; those it
            began with where no epoch was completed.
        best_epoch: Counted from 1; 0 where no epoch was completed.
        divergence: Why the member failed, where its loss became no finite number.
    """

    rows: list[EpochRow] = field(default_factory=list)
    best_state: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    divergence: str | None = None

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.rows)
