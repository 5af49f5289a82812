from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from tests.sklearn.given import blobs, digits, quick
from tlx import api
from tlx.sklearn import TransferRegressor
from tlx.sklearn.faults import ParameterError


def prices() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, _ = blobs()
    return rows, 3 * rows[:, 0] - rows[:, 3] + 1000


def regressor(**parameters: Any) -> TransferRegressor:
    given = {"epochs": 30, "learning_rate": 0.01, "random_state": 0} | parameters
    return TransferRegressor(**given)


def test_numbers_are_predicted_in_their_own_units() -> None:
    rows, numbers = prices()
    model = regressor().fit(rows, numbers)
    found = model.predict(rows)
    assert found.dtype == np.float64
    assert model.score(rows, numbers) == pytest.approx(r2_score(numbers, found))
    assert model.score(rows, numbers) > 0.9
    thousands = regressor().fit(rows, numbers / 1000).predict(rows)
    np.testing.assert_allclose(thousands * 1000, found, rtol=1e-4)


def test_predictions_are_those_of_the_kept_run(tmp_path: Path) -> None:
    rows, numbers = prices()
    frame = pd.DataFrame(rows, columns=["a", "b", "c", "d"])
    model = regressor(epochs=3, folder=tmp_path).fit(frame, numbers)
    table = api.load(str(model.run_.folder)).predict(frame)
    np.testing.assert_allclose(table["predicted"], model.predict(frame), rtol=1e-5)


def test_numbers_of_images_are_learned_too() -> None:
    images, labels = digits()
    model = TransferRegressor(**quick()).fit(images, labels * 10.0)
    assert model.run_.scores.keys() == {"samples", "r2", "mae", "rmse"}
    assert model.predict(images[:3]).shape == (3,)


def test_few_numbers_are_learned_from_and_choose_the_epoch() -> None:
    with pytest.warns(UserWarning, match="the epoch was chosen by those trained on"):
        model = regressor(epochs=2).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    assert model.run_.scores["samples"] == 3


def test_equal_numbers_are_predicted_as_they_are() -> None:
    rows, _ = prices()
    model = regressor().fit(rows, np.full(len(rows), 42.0))
    np.testing.assert_allclose(model.predict(rows), 42.0, atol=0.5)


def test_strategy_that_tells_classes_apart_is_refused_for_numbers() -> None:
    rows, numbers = prices()
    with pytest.raises(ParameterError) as caught:
        regressor(strategy="probe_logistic").fit(rows, numbers)
    assert [fault.key for fault in caught.value.faults] == ["strategy"]
    with pytest.raises(ParameterError) as caught:
        regressor(overrides=["loss=cross_entropy"]).fit(rows, numbers)
    assert "it tells classes apart, and the data asks for a number" in str(caught.value)
