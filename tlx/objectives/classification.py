"""Telling classes apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from tlx.objectives.classification_scores import ClassificationScores, classification_scores
from tlx.objectives.predictions import predictions_table, probabilities
from tlx.objectives.selection import BY_ACCURACY, Selection

if TYPE_CHECKING:
    import pandas as pd

    from tlx.data.task import Split


class ClassTally:
    """Counts of one epoch's validation: loss in nats, whatever is trained with, and accuracy."""

    def __init__(self) -> None:
        self._loss_sum = 0.0
        self._correct = 0
        self._count = 0

    def add(self, outputs: Tensor, labels: Tensor) -> None:
        """Take a batch: logits (n, classes) and class indices (n,)."""
        self._loss_sum += float(functional.cross_entropy(outputs, labels, reduction="sum"))
        self._correct += int((outputs.argmax(dim=1) == labels).sum())
        self._count += len(labels)

    def values(self) -> dict[str, float]:
        """Return the mean cross-entropy and the share classified right."""
        count = max(1, self._count)
        return {"val_loss": self._loss_sum / count, "val_accuracy": self._correct / count}


@dataclass(frozen=True)
class Classification:
    """Classes, chosen by validation accuracy.

    Args:
        class_names: One per output.
    """

    class_names: tuple[str, ...] = ()
    name: ClassVar[str] = "classification"
    selection: ClassVar[Selection] = BY_ACCURACY
    columns: ClassVar[tuple[str, ...]] = ("val_loss", "val_accuracy")
    returned: ClassVar[str] = "accuracy"
    digits: ClassVar[int] = 6

    @property
    def words(self) -> str:
        """The number of classes."""
        count = len(self.class_names)
        return f"{count} {'class' if count == 1 else 'classes'}"

    def tally(self, loss: nn.Module) -> ClassTally:  # noqa: ARG002
        """Return an empty tally."""
        return ClassTally()

    def predictions(self, outputs: Tensor) -> Tensor:
        """Return class probabilities (n, classes) of logits (n, classes)."""
        return probabilities(outputs)

    def scores(self, predictions: Tensor, labels: Tensor) -> ClassificationScores:
        """Return the scores of class probabilities (n, classes)."""
        return classification_scores(predictions, labels, self.class_names)

    def table(self, split_name: str, split: Split, predictions: Tensor) -> pd.DataFrame:
        """Return one row per image: its class, the predicted class, how sure."""
        return predictions_table(split_name, split, predictions, self.class_names)

    def card_scores(self, scores: ClassificationScores) -> dict[str, float]:
        """Return accuracy and loss."""
        return {"accuracy": scores.accuracy, "loss": scores.loss}
