"""How well numbers were predicted: the scores of one set of predictions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.regression import mean_absolute_error, mean_squared_error, r2_score

from tlx.errors import TlxError

FEWEST_SAMPLES = 2
PARTS_OF_A_SPREAD = 1e6


@dataclass(frozen=True)
class RegressionScores:
    """The scores of predicted numbers on one set of rows.

    Args:
        samples: Number of rows.
        r2: Coefficient of determination: 1 where all is right, 0 for the mean of these targets.
            Of targets that are all the same it is 1 where all is right, else 0.
        mae: Mean absolute error, in the target's units.
        rmse: Root of the mean squared error, in the target's units.
    """

    samples: int
    r2: float
    mae: float
    rmse: float

    @property
    def to_maximise(self) -> float:
        """R2: what a sweeper maximises."""
        return self.r2

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain numbers, ready for `json.dumps`."""
        return asdict(self)


def regression_scores(predictions: Tensor, targets: Tensor) -> RegressionScores:
    """Score predicted numbers against the true ones, by torchmetrics, in double precision.

    Args:
        predictions: Numbers, shape (n,).
        targets: Numbers in the same units, shape (n,).

    Raises:
        TlxError: A prediction is not finite: the training diverged.
        ValueError: Shapes disagree, or there are fewer than two rows, for which R2 is undefined.
    """
    predictions = predictions.detach().to("cpu", torch.float64)
    targets = targets.detach().to("cpu", torch.float64)
    if predictions.ndim != 1 or predictions.shape != targets.shape:
        raise ValueError(
            f"predictions of shape {tuple(predictions.shape)} and targets of shape "
            f"{tuple(targets.shape)} do not fit: expected (n,) and (n,)"
        )
    if len(targets) < FEWEST_SAMPLES:
        raise ValueError(f"{len(targets)} rows are too few to score: R2 takes two or more")
    if not bool(predictions.isfinite().all()):
        bad = int((~predictions.isfinite()).sum())
        raise TlxError(
            f"{bad} of {len(targets)} predictions are not finite: the training diverged. "
            "Lower the learning rate, or train in full precision."
        )
    return RegressionScores(
        samples=len(targets),
        r2=_r2(predictions, targets),
        mae=float(mean_absolute_error(predictions, targets)),
        rmse=float(mean_squared_error(predictions, targets, squared=False)),
    )


def _r2(predictions: Tensor, targets: Tensor) -> float:
    """Return R2, in small parts of the targets' spread: torchmetrics takes small sums for zero."""
    centre = targets.mean()
    if float(targets.max()) > float(targets.min()):
        unit = targets.std() / PARTS_OF_A_SPREAD
    elif bool((predictions == targets).all()):
        return 1.0
    else:
        return 0.0
    return float(r2_score((predictions - centre) / unit, (targets - centre) / unit))
