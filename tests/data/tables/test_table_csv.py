from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from tests.data.wine_table import COLUMNS, wines, written
from tlx.data.tables.features.preparation import Preparation
from tlx.data.tables.table_csv import TableCsv
from tlx.data.task import Task
from tlx.errors import ConfigError, TlxError

SPLITS = ("train", "val", "test")
SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}
IMPUTERS = {
    "mean": lambda: SimpleImputer(strategy="mean"),
    "median": lambda: SimpleImputer(strategy="median"),
    "knn": lambda: KNNImputer(n_neighbors=5),
}


def first_fault(path: str, **options: Any) -> str:
    faults = TableCsv(path=path, **options).faults()
    with pytest.raises(ConfigError):
        TableCsv(path=path, **options).load()
    return str(faults[0])


def rows_of(task: Task, split: str, frame: pd.DataFrame) -> pd.DataFrame:
    rows: pd.DataFrame = frame.iloc[getattr(task, split).sample_ids.numpy()]
    return rows


@pytest.mark.parametrize("missing", ["mean", "median", "knn"])
@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust"])
def test_table_features_equal_a_scikit_learn_pipeline_fitted_on_train(
    missing: str, scaling: str, tmp_path: Path
) -> None:
    frame = wines(gaps=True)
    task = TableCsv(path=written(tmp_path, frame), missing=missing, scaling=scaling).load()
    plain = frame.replace(np.inf, np.nan)
    plain["region"] = plain["region"].astype(object).where(plain["region"].notna(), np.nan)
    reference = make_column_transformer(
        (make_pipeline(IMPUTERS[missing](), SCALERS[scaling]()), COLUMNS),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"),
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            ),
            ["region"],
        ),
    ).fit(rows_of(task, "train", plain))
    for split in SPLITS:
        expected = reference.transform(rows_of(task, split, plain))
        found = getattr(task, split).inputs
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_table_split_is_stratified_disjoint_and_follows_the_seed(tmp_path: Path) -> None:
    path = written(tmp_path, wines())
    task, again, other = (TableCsv(path=path, seed=seed).load() for seed in (0, 0, 1))
    ids = [set(getattr(task, split).sample_ids.tolist()) for split in SPLITS]
    assert sum(map(len, ids)) == len(set.union(*ids)) == 178
    # 59, 71 and 48 wines of each class: a fifth each for validation and test, rounded.
    assert task.class_names == ("barbera", "barolo", "grignolino")
    assert torch.bincount(task.test.labels).tolist() == [10, 12, 14]
    assert torch.bincount(task.val.labels).tolist() == [10, 12, 14]
    assert task.fingerprint == again.fingerprint != other.fingerprint


def test_table_record_counts_every_change(tmp_path: Path) -> None:
    frame = wines(gaps=True)
    task = TableCsv(
        path=written(tmp_path, frame), missing="mean", outliers="iqr", outlier_action="clip"
    ).load()
    about = task.about
    for split in SPLITS:
        rows = rows_of(task, split, frame)
        imputed = about["imputed"].get(split, {})
        assert imputed.get("hue", 0) == int(rows["hue"].isna().sum())
        assert imputed.get("region", 0) == int(rows["region"].isna().sum())
        assert about["infinite"].get(split, {}).get("proline", 0) == int(
            np.isinf(rows["proline"]).sum()
        )
    learned = Preparation.from_dict(task.files["preparation.json"])
    train = rows_of(task, "train", frame)["malic_acid"]
    low, high = train.quantile(0.25), train.quantile(0.75)
    assert learned.upper[1] == pytest.approx(high + 1.5 * (high - low))
    outside = (train < low - 1.5 * (high - low)) | (train > high + 1.5 * (high - low))
    assert about["clipped"]["train"]["malic_acid"] == int(outside.sum()) > 0


def test_table_missing_drop_leaves_out_rows_and_counts_them(tmp_path: Path) -> None:
    frame = wines(gaps=True)
    task = TableCsv(path=written(tmp_path, frame), missing="drop").load()
    whole = frame.replace(np.inf, np.nan).notna().all(axis=1)
    kept = sum(len(getattr(task, split)) for split in SPLITS)
    assert kept == int(whole.sum())
    assert task.about["rows_dropped_for_missing"] == 178 - kept


@pytest.mark.parametrize("method", ["iqr", "zscore", "isolation_forest"])
def test_table_outliers_dropped_leave_training_alone(method: str, tmp_path: Path) -> None:
    path = written(tmp_path, wines())
    flagged = TableCsv(path=path, outliers=method, outlier_limit=1.0).load()
    dropped = TableCsv(path=path, outliers=method, outlier_limit=1.0, outlier_action="drop").load()
    count = flagged.about["outlying_training_rows"]
    assert 0 < count == dropped.about["outlying_rows_dropped"]
    assert flagged.about["outlying_rows_dropped"] == 0
    assert len(dropped.train) == len(flagged.train) - count
    assert dropped.test.sample_ids.equal(flagged.test.sample_ids)
    # Scales are learned from the rows that stay.
    np.testing.assert_allclose(dropped.train.inputs[:, :4].mean(0), 0, atol=1e-5)


@pytest.mark.parametrize("method", ["chi2", "anova", "mutual_info", "rfe", "random_forest"])
def test_table_selection_keeps_telling_features_and_leaves_out_noise(
    method: str, tmp_path: Path
) -> None:
    frame = wines()
    frame["noise"] = np.random.default_rng(1).random(len(frame))
    task = TableCsv(path=written(tmp_path, frame), selection=method, features=3).load()
    assert task.train.inputs.shape[1] == 3
    assert len(task.about["features"]) == 3
    assert "noise" not in task.about["features"]
    assert {"alcohol", "hue", "proline"} & set(task.about["features"])


def test_table_preparation_from_json_gives_the_same_features(tmp_path: Path) -> None:
    path = written(tmp_path, wines(gaps=True))
    task = TableCsv(path=path, missing="knn", selection="anova", features=4).load()
    kept = tmp_path / "preparation.json"
    kept.write_text(json.dumps(task.files["preparation.json"]))
    again = TableCsv(path=path, preparation=str(kept)).load()
    assert again.fingerprint == task.fingerprint


def test_table_unknown_category_is_counted_or_refused(tmp_path: Path) -> None:
    path = written(tmp_path, wines())
    task = TableCsv(path=path).load()
    kept = tmp_path / "preparation.json"
    kept.write_text(json.dumps(task.files["preparation.json"]))
    other = wines()
    other.loc[other["region"] == "west", "region"] = "east"
    moved = written(tmp_path, other, "other.csv")
    counts = TableCsv(path=moved, preparation=str(kept)).load().about["unknown"]
    assert sum(one["region"] for one in counts.values()) == int((other["region"] == "east").sum())
    strict = task.files["preparation.json"] | {"unknown": "error"}
    kept.write_text(json.dumps(strict))
    with pytest.raises(TlxError, match="column 'region' has categories that no training row has"):
        TableCsv(path=moved, preparation=str(kept)).load()


def test_table_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    frame = wines()
    frame.to_parquet(tmp_path / "wines.parquet")
    from_csv = TableCsv(path=written(tmp_path, frame)).load()
    assert TableCsv(path=str(tmp_path / "wines.parquet")).load().fingerprint == from_csv.fingerprint


def test_table_missing_values_unhandled_are_named(tmp_path: Path) -> None:
    frame = wines()
    frame.loc[[6, 9], "hue"] = np.nan
    assert first_fault(written(tmp_path, frame)) == (
        "data.missing=error: column 'hue' has 2 missing values (the first in row 7). "
        "Choose data.missing=drop, mean, median or knn, or correct the table."
    )


def test_table_infinite_values_unhandled_are_named(tmp_path: Path) -> None:
    frame = wines()
    frame.loc[2, "hue"] = -np.inf
    assert first_fault(written(tmp_path, frame)).startswith(
        "data.missing=error: column 'hue' has 1 infinite value (the first in row 3). "
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label_column": "lable"}, "data.label_column=lable: the table has no such column. "),
        ({"numeric": ("hues",)}, "data.numeric=hues: the table has no such column. "),
    ],
)
def test_table_without_a_named_column_is_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    fault = first_fault(written(tmp_path, wines()), **options)
    near = "label" if "label_column" in options else "hue"
    assert fault == f"{said}Did you mean '{near}'?"


def test_table_text_in_a_numeric_column_is_named(tmp_path: Path) -> None:
    frame = wines().astype({"hue": object})
    frame.loc[4, "hue"] = "dark"
    assert first_fault(written(tmp_path, frame), numeric=("hue", "alcohol")) == (
        "data.numeric=hue: the column has 'dark' in row 5, which is no number. "
        "Give data.missing_markers=[dark] where it stands for nothing, correct the table, or list "
        "it in data.categorical."
    )


def test_table_of_a_single_class_is_refused(tmp_path: Path) -> None:
    frame = wines()
    frame["label"] = "barolo"
    assert first_fault(written(tmp_path, frame)) == (
        "data.label_column=label: the column has a single class ('barolo'), "
        "there is nothing to tell apart. Name another column, or add rows of other classes."
    )


def test_table_of_some_classes_has_their_rows_alone(tmp_path: Path) -> None:
    frame = wines()
    frame.loc[frame["label"] == "grignolino", "hue"] = np.nan
    frame.loc[[0, 60], "label"] = None
    path = written(tmp_path, frame)
    task = TableCsv(path=path, classes=("barolo", "barbera"), missing="drop").load()
    assert task.class_names == ("barbera", "barolo")
    rows = sorted(row for split in SPLITS for row in getattr(task, split).sample_ids.tolist())
    assert rows == frame.index[frame["label"].isin(["barolo", "barbera"])].tolist()
    assert (task.about["rows"], task.about["rows_dropped_for_missing"]) == (108, 2)
    assert first_fault(path, classes=("barolo", "barbera")) == (
        "data.label_column=label: 2 rows have no class (the first is row 1). "
        "Complete or remove them, or choose data.missing=drop."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"classes": ("barolo", "barberra")},
            "data.classes=barberra: there is no such class. Did you mean 'barbera'?",
        ),
        (
            {"classes": ("barolo",)},
            "data.classes=['barolo']: one class alone leaves nothing to tell apart. "
            "Name two classes or more.",
        ),
        (
            {"classes": ("1", "2"), "task": "regression"},
            "data.classes=['1', '2']: data.task=regression has no classes. Leave it out.",
        ),
    ],
)
def test_table_of_classes_that_cannot_be_is_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert first_fault(written(tmp_path, wines()), **options) == said


def test_table_that_is_missing_or_no_table_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in first_fault(str(tmp_path / "none.csv"))
    (tmp_path / "bad.parquet").write_bytes(b"no table")
    assert "it cannot be read as a table" in first_fault(str(tmp_path / "bad.parquet"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"train_per_class": 0},
            "data.train_per_class=0: there must be at least one training row per class. "
            "Use 1 or more, or null for all that remain.",
        ),
        (
            {"train_per_class": 40},
            "data.train_per_class=40: class 'barbera' has 28 rows to train on. "
            "Use at most 28, or null for all.",
        ),
        (
            {"outliers": "isolation_forest", "outlier_action": "clip"},
            "data.outlier_action=clip: an isolation forest judges whole rows and has no bounds to "
            "clip to. Use flag or drop, or outliers=iqr.",
        ),
        (
            {"selection": "chi2"},
            "data.selection=chi2: it needs to know how many features to choose. "
            "Give data.features=10.",
        ),
    ],
)
def test_table_options_that_contradict_are_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert first_fault(written(tmp_path, wines()), **options) == said
