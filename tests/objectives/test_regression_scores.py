from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from torch import Tensor

from tlx.errors import TlxError
from tlx.objectives.regression_scores import RegressionScores, regression_scores
from tlx.reports.console import regression_table


def pair(rows: int, scale: float, error: float) -> tuple[Tensor, Tensor]:
    generator = np.random.default_rng(rows)
    targets = scale * generator.normal(3, 1, rows)
    predictions = targets + scale * error * generator.normal(0, 1, rows)
    return torch.from_numpy(predictions), torch.from_numpy(targets)


@pytest.mark.parametrize("rows", [2, 3, 100])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("error", [1e-3, 0.3, 5.0])
def test_regression_scores_equal_scikit_learn(rows: int, scale: float, error: float) -> None:
    predictions, targets = pair(rows, scale, error)
    scores = regression_scores(predictions, targets)
    truth = (targets.numpy(), predictions.numpy())
    assert scores.samples == rows
    assert scores.r2 == pytest.approx(r2_score(*truth), rel=1e-9, abs=1e-9)
    assert scores.mae == pytest.approx(mean_absolute_error(*truth), rel=1e-12)
    assert scores.rmse == pytest.approx(root_mean_squared_error(*truth), rel=1e-12)
    assert scores.to_maximise == scores.r2


@pytest.mark.parametrize("predicted", [[0.5, 0.5, 0.5], [0.5, 0.75, 0.5]])
def test_regression_scores_of_constant_targets_are_those_of_scikit_learn(
    predicted: list[float],
) -> None:
    targets = [0.5, 0.5, 0.5]
    scores = regression_scores(torch.tensor(predicted), torch.tensor(targets))
    assert scores.r2 == r2_score(targets, predicted)


def test_regression_scores_are_plain_numbers() -> None:
    scores = regression_scores(*pair(5, 1.0, 0.1))
    assert json.loads(json.dumps(scores.to_dict())) == scores.to_dict()
    assert list(scores.to_dict()) == ["samples", "r2", "mae", "rmse"]


def test_regression_scores_of_a_diverged_model_are_refused() -> None:
    predictions, targets = pair(4, 1.0, 0.1)
    predictions[1] = float("nan")
    with pytest.raises(TlxError, match="1 of 4 predictions are not finite: the training diverged"):
        regression_scores(predictions, targets)


def test_regression_scores_of_unfit_shapes_are_refused() -> None:
    predictions, targets = pair(4, 1.0, 0.1)
    with pytest.raises(ValueError, match=r"predictions of shape \(4, 1\) and targets of shape"):
        regression_scores(predictions[:, None], targets)
    with pytest.raises(ValueError, match="1 rows are too few to score"):
        regression_scores(predictions[:1], targets[:1])


def test_regression_table_tells_scores_in_the_target_s_units() -> None:
    scores = RegressionScores(samples=40, r2=0.99557, mae=65572.4, rmse=0.00012346)
    assert regression_table(scores, "price", title="val").splitlines() == [
        "val, 40 rows, price        score",
        "────────────────────────────────",
        "R2                        0.9956",
        "MAE                        65572",
        "RMSE                  0.00012346",
    ]
