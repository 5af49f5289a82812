"""Parquet's own types, and tables in many parts."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.tables.strangers import stranger, written_text
from tests.data.wine_table import wines
from tlx.data.tables.table_csv import TableCsv

ROWS = 60


def typed() -> pa.Table:
    """Return a table of every type that Parquet has for a feature, and some that it is none."""
    at = range(ROWS)
    return pa.table(
        {
            "whole": pa.array([None, *(place % 7 for place in at[1:])], pa.int64()),
            "half": pa.array([place / 2 % 9 for place in at], pa.float32()),
            "flag": pa.array([place % 2 == 0 for place in at]),
            "code": pa.array(["01" if place % 3 else "1" for place in at]),
            "word": pa.array(["p", "q"] * (ROWS // 2)).dictionary_encode(),
            "day": pa.array([datetime.date(2020, 1, 1 + place % 28) for place in at]),
            "list": pa.array([[1, 2]] * ROWS),
            "none": pa.nulls(ROWS),
            "label": pa.array([place % 2 for place in at], pa.int8()),
        }
    )


def test_parquet_columns_keep_their_types_and_text_stays_text(tmp_path: Path) -> None:
    pq.write_table(typed(), tmp_path / "t.parquet")
    task = TableCsv(path=str(tmp_path / "t.parquet"), missing="median").load()
    assert {one["name"]: (one["kind"], one["reason"]) for one in task.about["columns"]} == {
        "whole": ("number", "stored as int64"),
        "half": ("number", "stored as float"),
        "flag": ("category", "stored as bool"),
        "code": ("category", "stored as string"),
        "word": ("category", "stored as string: 2 different texts in 60 rows"),
        "day": ("date", "stored as date32[day]"),
    }
    assert task.about["columns_left_out"] == {
        "list": "it holds neither numbers nor text (list<element: int64>)",
        "none": "it is empty in every row",
    }
    assert task.class_names == ("0", "1")
    assert {"flag=True", "code=01", "code=1"} <= set(task.about["features"])
    assert task.about["notices"] == [
        "column 'code': all are numbers, stored as text; data.numeric=[code] reads them"
    ]


def test_parquet_dates_are_days_since_1970(tmp_path: Path) -> None:
    pq.write_table(typed().select(["day", "label"]), tmp_path / "t.parquet")
    task = TableCsv(path=str(tmp_path / "t.parquet"), scaling="none").load()
    days = task.train.inputs[:, 0].numpy()
    np.testing.assert_array_equal(days, 18262 + task.train.sample_ids.numpy() % 28)


def test_parquet_list_asked_for_as_a_feature_is_refused(tmp_path: Path) -> None:
    pq.write_table(typed(), tmp_path / "t.parquet")
    source = TableCsv(path=str(tmp_path / "t.parquet"), categorical=("list",), missing="mean")
    assert [str(fault) for fault in source.faults()] == [
        "column=list: it holds neither numbers nor text (list<element: int64>). Leave it out of "
        "data.columns, data.numeric, data.categorical and data.dates."
    ]


@pytest.fixture
def spark_folder(tmp_path: Path) -> Path:
    """Return a folder as Spark writes it: parts, their checksums and a mark of success."""
    folder = tmp_path / "wines.parquet"
    folder.mkdir()
    whole = pa.Table.from_pandas(wines(), preserve_index=False)
    for at in range(3):
        name = f"part-0000{at}-4f2c-c000.snappy.parquet"
        pq.write_table(whole.slice(60 * at, 60), folder / name)
        (folder / f".{name}.crc").write_bytes(b"crc")
    (folder / "_SUCCESS").touch()
    return folder


def test_folder_of_parquet_parts_is_the_table_of_one_file(
    spark_folder: Path, tmp_path: Path
) -> None:
    wines().to_parquet(tmp_path / "one.parquet")
    task = TableCsv(path=str(spark_folder)).load()
    assert task.fingerprint == TableCsv(path=str(tmp_path / "one.parquet")).load().fingerprint
    assert task.about["parts"] == 3
    assert task.about["files_without_rows"][-1] == "_SUCCESS"
    assert len(task.about["files_without_rows"]) == 4


def test_folder_of_partitions_gives_their_values_as_text(tmp_path: Path) -> None:
    whole = pa.Table.from_pandas(wines(), preserve_index=False)
    for at, month in enumerate(("01", "1", "10%2F2")):
        (tmp_path / f"t/month={month}").mkdir(parents=True)
        pq.write_table(whole.slice(60 * at, 60), tmp_path / f"t/month={month}/part-0.parquet")
    task = TableCsv(path=str(tmp_path / "t"), categorical=("month",)).load()
    features = [name for name in task.about["features"] if name.startswith("month")]
    assert features == ["month=01", "month=1", "month=10/2"]
    row = task.train.sample_ids.tolist().index(0) if 0 in task.train.sample_ids.tolist() else None
    assert task.about["rows"] == 178
    assert row is None or task.train.inputs[row, task.about["features"].index("month=01")] == 1


def test_folder_of_csv_parts_is_the_table_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    frame = wines()
    for at in range(3):
        frame[60 * at : 60 * at + 60].to_csv(tmp_path / f"parts/part-{at}.csv", index=False)
    (tmp_path / "parts/part-3.csv").touch()
    frame.to_csv(tmp_path / "one.csv", index=False)
    task = TableCsv(path=str(tmp_path / "parts")).load()
    assert task.fingerprint == TableCsv(path=str(tmp_path / "one.csv")).load().fingerprint
    assert task.about["files_without_rows"] == ["part-3.csv"]


def changed(part: pa.Table, how: str) -> pa.Table:
    if how == "a column less":
        return part.drop_columns(["hue"])
    if how == "another type":
        return part.set_column(part.schema.get_field_index("hue"), "hue", pa.array(["x"] * 58))
    return part


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("a column less", "part-00002-4f2c-c000.snappy.parquet has other columns than the first "),
        ("another type", "its parts give a column different types ("),
        ("another file", "the folder is no table: it holds .md, .parquet. Give a file, or a "),
    ],
)
def test_folder_whose_parts_do_not_fit_is_refused(how: str, said: str, spark_folder: Path) -> None:
    part = spark_folder / "part-00002-4f2c-c000.snappy.parquet"
    pq.write_table(changed(pq.read_table(part), how), part)
    if how == "another file":
        (spark_folder / "readme.md").touch()
    (fault,) = TableCsv(path=str(spark_folder)).faults()
    assert said in str(fault)


def test_table_packed_by_gzip_is_read(tmp_path: Path) -> None:
    text = stranger().to_csv(index=False)
    packed = written_text(tmp_path, gzip.compress(text.encode()), "t.csv.gz")
    plain = written_text(tmp_path, text)
    assert TableCsv(path=packed).load().fingerprint == TableCsv(path=plain).load().fingerprint


def test_table_packed_and_cut_off_is_refused(tmp_path: Path) -> None:
    text = gzip.compress(stranger().to_csv(index=False).encode())
    (fault,) = TableCsv(path=written_text(tmp_path, text[:200], "t.csv.gz")).faults()
    assert "it cannot be read (Compressed file ended before the end-of-stream" in str(fault)


def test_table_changed_on_disk_is_read_again(tmp_path: Path) -> None:
    options: dict[str, Any] = {"exclude": ("v",)}
    path = written_text(tmp_path, stranger().to_csv(index=False))
    first = TableCsv(path=path).load()
    written_text(tmp_path, stranger(v="1").to_csv(index=False))
    assert TableCsv(path=path, **options).load().about["columns_left_out"] == {
        "v": "data.exclude lists it"
    }
    assert first.about["columns_left_out"] == {}
