from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import r2_score, root_mean_squared_error

from tests.strategies.fits import random_task
from tlx.data.task import NumberTarget
from tlx.objectives.chosen import objective_of
from tlx.objectives.classification import Classification
from tlx.objectives.regression import Regression
from tlx.objectives.selection import BY_ACCURACY, BY_RMSE
from tlx.optimization.regression_losses import Huber

TARGET = NumberTarget("price", centre=100.0, scale=20.0)


def test_goal_of_a_task_with_classes_tells_them_apart() -> None:
    assert objective_of(random_task()) == Classification(("a", "b", "c"))


def test_selection_worth_is_higher_where_the_score_is_better() -> None:
    assert BY_ACCURACY.worth({"val_accuracy": 0.75}) == 0.75
    assert BY_RMSE.worth({"val_rmse": torch.tensor(2.5)}) == -2.5


def test_regression_tally_gives_the_scores_of_all_batches_in_own_units() -> None:
    generator = torch.Generator().manual_seed(0)
    outputs, labels = torch.randn(9, 1, generator=generator), torch.randn(9, generator=generator)
    tally = Regression(TARGET).tally(Huber(delta=0.5))
    for part in (slice(0, 4), slice(4, 9)):
        tally.add(outputs[part], labels[part])
    values = tally.values()
    true, predicted = (100 + 20 * x.double().numpy() for x in (labels, outputs[:, 0]))
    assert list(values) == list(Regression(TARGET).columns)
    assert values["val_loss"] == pytest.approx(float(Huber(delta=0.5)(outputs, labels)))
    assert values["val_rmse"] == pytest.approx(root_mean_squared_error(true, predicted))
    assert values["val_r2"] == pytest.approx(r2_score(true, predicted))


def test_regression_tally_of_a_diverged_epoch_says_so_in_its_loss() -> None:
    tally = Regression(TARGET).tally(Huber())
    tally.add(torch.tensor([[1.0], [float("inf")]]), torch.zeros(2))
    assert not math.isfinite(tally.values()["val_loss"])


def test_regression_answers_are_in_own_units() -> None:
    predictions = Regression(TARGET).predictions(torch.tensor([[0.0], [-2.0]]))
    assert predictions.dtype == torch.float64
    assert predictions.tolist() == [100.0, 60.0]
