"""Predicting a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from tlx.data.task import NumberTarget
from tlx.objectives.predictions import numbers_table
from tlx.objectives.regression_scores import RegressionScores, regression_scores
from tlx.objectives.selection import BY_RMSE, Selection

if TYPE_CHECKING:
    import pandas as pd

    from tlx.data.task import Split


class NumberTally:
    """The predictions of one epoch's validation.

    Args:
        target: What is predicted.
        loss: What is trained with.
    """

    def __init__(self, target: NumberTarget, loss: nn.Module) -> None:
        self._target = target
        self._loss = loss
        self._outputs: list[Tensor] = []
        self._labels: list[Tensor] = []

    def add(self, outputs: Tensor, labels: Tensor) -> None:
        """Take a batch: outputs (n, 1) and numbers (n,), in the scale that is trained on."""
        self._outputs.append(outputs.detach().float().cpu())
        self._labels.append(labels.detach().cpu())

    def values(self) -> dict[str, float]:
        """Return the loss as it is trained with, and RMSE and R2 in the target's own units."""
        outputs, labels = torch.cat(self._outputs), torch.cat(self._labels)
        loss = float(self._loss(outputs, labels))
        if not math.isfinite(loss):
            return {"val_loss": loss, "val_rmse": math.nan, "val_r2": math.nan}
        scores = _scores(self._target, outputs[:, 0], labels)
        return {"val_loss": loss, "val_rmse": scores.rmse, "val_r2": scores.r2}


@dataclass(frozen=True)
class Regression:
    """A number, chosen by validation RMSE; a sweeper maximises R2.

    Args:
        target: The number.
    """

    target: NumberTarget
    name: ClassVar[str] = "regression"
    selection: ClassVar[Selection] = BY_RMSE
    columns: ClassVar[tuple[str, ...]] = ("val_loss", "val_rmse", "val_r2")
    returned: ClassVar[str] = "r2"
    digits: ClassVar[int] = 9

    @property
    def words(self) -> str:
        """The number's name."""
        return f"the number {self.target.name!r}"

    def tally(self, loss: nn.Module) -> NumberTally:
        """Return an empty tally."""
        return NumberTally(self.target, loss)

    def predictions(self, outputs: Tensor) -> Tensor:
        """Return numbers (n,) in the target's own units, float64, of outputs (n, 1)."""
        return self.target.in_own_units(outputs[:, 0])

    def scores(self, predictions: Tensor, labels: Tensor) -> RegressionScores:
        """Return the scores of numbers (n,), by the numbers (n,) that are trained on."""
        return regression_scores(predictions, self.target.in_own_units(labels))

    def table(self, split_name: str, split: Split, predictions: Tensor) -> pd.DataFrame:
        """Return one row per example: its number and the predicted one."""
        return numbers_table(split_name, split, predictions, self.target.in_own_units(split.labels))

    def card_scores(self, scores: RegressionScores) -> dict[str, float]:
        """Return R2, MAE and RMSE."""
        return {"r2": scores.r2, "mae": scores.mae, "rmse": scores.rmse}


def _scores(target: NumberTarget, scaled: Tensor, labels: Tensor) -> RegressionScores:
    return regression_scores(target.in_own_units(scaled), target.in_own_units(labels))
