from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd
import pytest

from tlx.sweeps import table
from tlx.sweeps.record import JobRecord
from tlx.sweeps.table import results_table, write_table

RECORDS = [
    JobRecord(
        0,
        ["strategy=partial", "optimizer.lr=1e-3", "seed=0"],
        status="completed",
        metrics={"test_accuracy": 0.5},
        return_value=0.25,
        seconds=1.5,
        peak_memory_mb=300.0,
        host="a",
    ),
    JobRecord(1, ["strategy=partial", "optimizer.lr=1"], status="failed", error="E: two\nlines"),
    JobRecord(2, ["+x=[1,2]"], status="killed", reason="signal 9", host="b\udcff"),
]


def test_results_table_has_a_column_per_override_and_metric() -> None:
    frame = results_table(RECORDS)
    assert list(frame.columns) == [
        "number", "status", "strategy", "optimizer.lr", "seed", "x", "test_accuracy",
        "return_value", "seconds", "peak_memory_mb", "host", "attempt", "error",
    ]  # fmt: skip
    assert frame["optimizer.lr"].tolist()[:2] == [0.001, 1.0]
    assert frame["strategy"].tolist() == ["partial", "partial", None]
    assert frame["error"].tolist() == [None, "E: two lines", "signal 9"]
    assert frame["seed"].dtype == "Int64"
    assert frame["return_value"].dtype == "float64"


def test_results_table_of_values_of_several_types_holds_text() -> None:
    records = [
        JobRecord(0, ["a=1"], return_value=1.5),
        JobRecord(1, ["a=b"], return_value={"k": 1}),
    ]
    frame = results_table(records)
    assert frame["a"].tolist() == ["1", "b"]
    assert frame["return_value"].tolist() == ["1.5", '{"k": 1}']


def test_results_table_marks_names_that_are_taken() -> None:
    frame = results_table([JobRecord(0, ["host=db", "lr=1"], metrics={"lr": 0.5, "seconds": 2.0})])
    row = frame.iloc[0]
    assert (row["override.host"], row["lr"]) == ("db", 1)
    assert (row["metric.lr"], row["metric.seconds"]) == (0.5, 2.0)
    assert math.isnan(row["seconds"])


def test_results_table_of_integers_beyond_64_bits_holds_text() -> None:
    frame = results_table([JobRecord(0, [f"seed={2**63}"])])
    assert frame["seed"].tolist() == [str(2**63)]


def test_results_table_of_no_job_has_the_fixed_columns() -> None:
    frame = results_table([])
    assert list(frame.columns) == [*table.FIRST_COLUMNS, *table.LAST_COLUMNS]
    assert len(frame) == 0


def test_write_table_writes_the_same_rows_as_csv_and_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write_table(tmp_path, RECORDS)
    with (tmp_path / "results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["status"] for row in rows] == ["completed", "failed", "killed"]
    assert rows[0]["optimizer.lr"] == "0.001"
    assert (rows[1]["seed"], rows[1]["test_accuracy"]) == ("", "")
    assert rows[2]["host"] == "b\\udcff"
    parquet = pd.read_parquet(tmp_path / "results.parquet")
    pd.testing.assert_frame_equal(parquet, results_table(RECORDS))
    assert {path.name for path in tmp_path.iterdir()} == {"results.csv", "results.parquet"}


def test_write_table_without_pyarrow_writes_csv_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table._has_pyarrow.cache_clear()
    monkeypatch.setattr(table, "find_spec", lambda name: None)
    with caplog.at_level("INFO", logger="tlx"):
        write_table(tmp_path, RECORDS)
        write_table(tmp_path, RECORDS)
    table._has_pyarrow.cache_clear()
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]
    (message,) = caplog.messages
    assert message.startswith("results.parquet is not written: the package pyarrow is missing.")


def test_write_table_of_texts_like_formulas_marks_them_in_csv_alone(tmp_path: Path) -> None:
    error = "=cmd|' /C calc'!A0\x1b[2J"
    record = JobRecord(0, ["data.name=@SUM(1)", "x=-1"], status="failed", error=error)
    write_table(tmp_path, [record])
    row = pd.read_csv(tmp_path / "results.csv").iloc[0]
    assert row["data.name"] == "'@SUM(1)"
    assert row["error"] == r"'=cmd|' /C calc'!A0\x1b[2J"
    assert row["x"] == -1
    exact = pd.read_parquet(tmp_path / "results.parquet").iloc[0]
    assert exact["data.name"] == "@SUM(1)"
