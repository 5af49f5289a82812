from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tlx.errors import TlxError
from tlx.reports.across_seeds import (
    markdown_table,
    mean_and_spread,
    mean_with_spread,
    seed_table,
)

RUNS = pd.DataFrame(
    {
        "strategy": ["partial", "head", "partial", "head", "partial", "head"],
        "stages": [2, None, 2, None, 3, None],
        "seed": [0, 0, 1, 1, 0, 2],
        "test_accuracy": [0.91, 0.80, 0.93, 0.82, 0.95, 0.87],
    }
)


def test_mean_and_spread_several_values_equal_numpy() -> None:
    values = np.random.default_rng(0).normal(size=7).tolist()
    mean, spread = mean_and_spread(values)
    assert mean == pytest.approx(np.mean(values), rel=1e-12)
    assert spread == pytest.approx(np.std(values, ddof=1), rel=1e-12)


def test_mean_and_spread_one_value_has_no_spread() -> None:
    mean, spread = mean_and_spread([0.5])
    assert mean == 0.5
    assert math.isnan(spread)


def test_mean_and_spread_no_value_raises() -> None:
    with pytest.raises(ValueError, match="no values"):
        mean_and_spread([])


def test_mean_with_spread_formats_both() -> None:
    assert mean_with_spread(0.9123, 0.0081) == "0.912 ± 0.008"
    assert mean_with_spread(91.23, 0.81, digits=1) == "91.2 ± 0.8"
    assert mean_with_spread(0.9123, math.nan) == "0.912"


def test_seed_table_groups_keep_order_and_empty_keys() -> None:
    table = seed_table(RUNS, ["strategy", "stages"], "test_accuracy")
    assert list(table.columns) == ["strategy", "stages", "n", "mean", "std", "min", "max"]
    assert table["strategy"].to_list() == ["partial", "head", "partial"]
    assert table["n"].to_list() == [2, 3, 1]
    np.testing.assert_allclose(table["mean"], [0.92, 0.83, 0.95])
    # sqrt(0.0002) and sqrt(0.0026 / 2); one run alone has no spread
    np.testing.assert_allclose(table["std"], np.array([0.0141421356, 0.0360555128, np.nan]))
    np.testing.assert_allclose(table["min"], [0.91, 0.80, 0.95])
    np.testing.assert_allclose(table["max"], [0.93, 0.87, 0.95])


def test_seed_table_without_groups_is_one_row() -> None:
    table = seed_table(RUNS, [], "test_accuracy")
    assert list(table.columns) == ["n", "mean", "std", "min", "max"]
    assert table["n"].to_list() == [6]
    assert table["mean"].iloc[0] == pytest.approx(0.88)


def test_seed_table_unknown_column_raises_with_the_near_one() -> None:
    with pytest.raises(TlxError, match=r"test_acuracy.*Did you mean 'test_accuracy'\?"):
        seed_table(RUNS, ["strategy"], "test_acuracy")
    with pytest.raises(TlxError, match=r"strategi: no such column"):
        seed_table(RUNS, ["strategi"], "test_accuracy")


def test_seed_table_missing_metric_raises() -> None:
    runs = RUNS.assign(test_accuracy=[0.9, math.nan, 0.9, math.nan, 0.9, 0.9])
    with pytest.raises(TlxError, match="2 of 6 runs have no value"):
        seed_table(runs, ["strategy"], "test_accuracy")


def test_markdown_table_of_seed_table_is_exact() -> None:
    table = seed_table(RUNS, ["strategy"], "test_accuracy")
    table.loc[1, "strategy"] = "a|b"
    assert markdown_table(table) == (
        "| strategy |   n |    mean ± std |   min |   max |\n"
        "| -------- | --: | ------------: | ----: | ----: |\n"
        "| partial  |   3 | 0.930 ± 0.020 | 0.910 | 0.950 |\n"
        "| a\\|b     |   3 | 0.830 ± 0.036 | 0.800 | 0.870 |\n"
    )


def test_markdown_table_missing_values_are_empty() -> None:
    frame = pd.DataFrame({"run": ["a", None], "loss": [0.25, math.nan]})
    assert markdown_table(frame, digits=2).splitlines()[2:] == [
        "| a   | 0.25 |",
        "|     |      |",
    ]


def test_markdown_table_without_rows_has_a_header() -> None:
    assert markdown_table(pd.DataFrame({"run": []})).splitlines()[0] == "| run |"
