from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.feature_selection import f_regression
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from tests.data.numbers import houses
from tests.data.wine_table import written
from tlx.data.images.image_counts import data_record
from tlx.data.tables.table_csv import TableCsv
from tlx.data.task import NumberTarget

NUMBERS: dict[str, Any] = {"task": "regression", "label_column": "price"}


def faults(folder: Path, frame: pd.DataFrame, **options: Any) -> list[str]:
    source = TableCsv(path=written(folder, frame), **NUMBERS | options)
    return [str(fault) for fault in source.faults()]


def test_table_regression_gives_each_row_its_number_in_single_precision(tmp_path: Path) -> None:
    frame = houses()
    task = TableCsv(path=written(tmp_path, frame), **NUMBERS).load()
    assert (task.class_names, task.outputs) == ((), 1)
    assert task.number == NumberTarget("price", 0.0, 1.0)
    for split in (task.train, task.val, task.test):
        assert split.labels.dtype == torch.float32
        expected = frame["price"].to_numpy()[split.sample_ids.numpy()].astype(np.float32)
        np.testing.assert_array_equal(split.labels.numpy(), expected)
    assert [len(s) for s in (task.train, task.val, task.test)] == [72, 24, 24]
    seen = torch.cat([s.sample_ids for s in (task.train, task.val, task.test)])
    assert sorted(seen.tolist()) == list(range(120))


@pytest.mark.parametrize(
    ("scaling", "scaler"),
    [("standard", StandardScaler()), ("minmax", MinMaxScaler()), ("robust", RobustScaler())],
)
def test_table_regression_scales_numbers_by_what_training_rows_say(
    scaling: str, scaler: Any, tmp_path: Path
) -> None:
    frame = houses()
    task = TableCsv(path=written(tmp_path, frame), target_scaling=scaling, **NUMBERS).load()
    prices = frame["price"].to_numpy()[:, None]
    scaler.fit(prices[task.train.sample_ids.numpy()])
    expected = scaler.transform(prices[task.test.sample_ids.numpy()])[:, 0]
    np.testing.assert_allclose(task.test.labels.numpy(), expected, rtol=1e-6, atol=1e-6)
    assert task.number is not None
    own = task.number.in_own_units(task.test.labels)
    np.testing.assert_allclose(own.numpy(), prices[task.test.sample_ids.numpy()][:, 0], rtol=1e-5)


def test_table_regression_records_rows_and_target(tmp_path: Path) -> None:
    task = TableCsv(path=written(tmp_path, houses()), **NUMBERS).load()
    record = data_record(task)
    assert record["rows_by_split"] == {"train": 72, "val": 24, "test": 24}
    assert record["target"] == {"name": "price", "centre": 0.0, "scale": 1.0}
    assert record["rows"] == 120
    assert "images" not in record


@pytest.mark.parametrize("method", ["anova", "mutual_info", "rfe", "random_forest"])
def test_table_regression_selection_keeps_telling_features(method: str, tmp_path: Path) -> None:
    path = written(tmp_path, houses(300))
    columns: dict[str, Any] = {"columns": ("area", "age", "noise")}
    source = TableCsv(path=path, selection=method, features=2, **columns, **NUMBERS)
    assert source.load().about["features"] == ["area", "age"]


def test_table_regression_selection_by_anova_is_f_of_scikit_learn(tmp_path: Path) -> None:
    path = written(tmp_path, houses())
    columns: dict[str, Any] = {"columns": ("area", "age", "noise")}
    task = TableCsv(path=path, **columns, **NUMBERS).load()
    scores = f_regression(task.train.inputs.numpy(), task.train.labels.numpy())[0]
    one = TableCsv(path=path, selection="anova", features=1, **columns, **NUMBERS).load()
    assert one.about["features"] == [columns["columns"][int(scores.argmax())]]


def test_table_regression_drops_outlying_training_rows_alone(tmp_path: Path) -> None:
    frame = houses()
    plain = TableCsv(path=written(tmp_path, frame), **NUMBERS).load()
    row = int(plain.train.sample_ids[0])
    frame.loc[row, "area"] = 1e6
    options: dict[str, Any] = {"outliers": "iqr", "outlier_action": "drop"}
    task = TableCsv(path=written(tmp_path, frame), **options, **NUMBERS).load()
    assert row not in task.train.sample_ids.tolist()
    assert task.val.sample_ids.tolist() == plain.val.sample_ids.tolist()


def test_table_regression_of_text_is_refused(tmp_path: Path) -> None:
    assert faults(tmp_path, houses(), label_column="side") == [
        f"data.label_column=side: the column has {houses()['side'][0]!r} in row 1, which is no "
        "number. Correct the table, name another column, or learn classes: "
        "data.task=classification."
    ]


def test_table_regression_of_truth_values_is_refused(tmp_path: Path) -> None:
    frame = houses().assign(sold=True)
    (fault,) = faults(tmp_path, frame, label_column="sold")
    assert fault.startswith("data.label_column=sold: the column has 'True' in row 1, which is no")


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "empty"), (np.inf, "inf"), (1e39, "1e+39")])
def test_table_regression_without_a_finite_number_is_refused_or_dropped(
    value: float, shown: str, tmp_path: Path
) -> None:
    frame = houses()
    frame.loc[[4, 9], "price"] = value
    for missing in ("error", "mean"):
        assert faults(tmp_path, frame, missing=missing) == [
            f"data.label_column=price: 2 rows have no finite number (the first is row 5: {shown}). "
            "Complete or remove them, or choose data.missing=drop: what is to be predicted is "
            "never filled in."
        ]
    task = TableCsv(path=written(tmp_path, frame), missing="drop", **NUMBERS).load()
    assert task.about["rows_dropped_for_missing"] == 2
    assert not {4, 9} & set(task.train.sample_ids.tolist())


def test_table_regression_of_a_constant_is_refused(tmp_path: Path) -> None:
    assert faults(tmp_path, houses().assign(price=2.5)) == [
        "data.label_column=price: the column has a single value (2.5), there is nothing to "
        "predict. Name another column, or add rows with other values."
    ]


def test_table_regression_of_few_rows_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, houses(5))
    assert "it gives 3 training, 1 validation and 1 test rows, too few to score. " in fault


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"selection": "chi2", "features": 2},
            "data.selection=chi2: it tells classes apart, and data.task=regression predicts a "
            "number. Use anova, mutual_info, rfe or random_forest.",
        ),
        (
            {"train_per_class": 3},
            "data.train_per_class=3: data.task=regression has no classes. Use data.train_fraction.",
        ),
        (
            {"task": "classification", "label_column": "side", "target_scaling": "standard"},
            "data.target_scaling=standard: classes have no scale. "
            "Use none, or predict a number: data.task=regression.",
        ),
    ],
)
def test_table_regression_options_that_contradict_are_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert faults(tmp_path, houses(), **options) == [said]


def test_table_regression_folds_hold_out_every_row_once(tmp_path: Path) -> None:
    path = written(tmp_path, houses(50))
    tests = [
        TableCsv(path=path, folds=5, fold=fold, **NUMBERS).load().test.sample_ids.tolist()
        for fold in range(5)
    ]
    assert sorted(row for part in tests for row in part) == list(range(50))
