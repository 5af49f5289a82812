from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from tlx.texts.csv_cells import csv_cell, csv_frame, csv_table, text_of_cell

COMPUTED = [
    '=HYPERLINK("http://e","x")', "@SUM(1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1", "\n=1",
    " =1+1", "'=1", "''@x", "\uff1d1", "-", "--strategy", "-inf-1", "+1 2",
]  # fmt: skip
PLAIN = [
    "-1",
    "+2.5",
    "-1e-3",
    "-inf",
    "nan",
    "-.5",
    "cat",
    "a=b",
    "'quoted'",
    "",
    "x@y",
    "1-2",
    "7",
]


@pytest.mark.parametrize("text", COMPUTED)
def test_csv_cell_of_a_formula_gets_an_apostrophe_and_comes_back(text: str) -> None:
    assert csv_cell(text) == f"'{text}"
    assert text_of_cell(csv_cell(text)) == text


@pytest.mark.parametrize("text", PLAIN)
def test_csv_cell_of_another_text_or_a_number_stays_and_comes_back(text: str) -> None:
    assert csv_cell(text) == text
    assert text_of_cell(text) == text


def test_text_of_cell_takes_off_one_apostrophe_only() -> None:
    assert text_of_cell("''=1") == "'=1"
    assert text_of_cell("'-1") == "'-1"
    assert csv_cell("'-1") == "''-1"
    assert text_of_cell("''-1") == "'-1"


def test_csv_frame_changes_texts_and_names_and_no_number(tmp_path: Path) -> None:
    table = pd.DataFrame({"=x": ["=1", None, "a"], "y": [-1.5, 2.0, 3.0], "z": ["-1", "b", "c"]})
    before = table.copy()
    written = csv_frame(table)
    pd.testing.assert_frame_equal(table, before)
    assert list(written.columns) == ["'=x", "y", "z"]
    written.to_csv(tmp_path / "t.csv", index=False)
    assert (tmp_path / "t.csv").read_text() == "'=x,y,z\n'=1,-1.5,-1\n,2.0,b\na,3.0,c\n"
    again = pd.read_csv(tmp_path / "t.csv")
    assert again["y"].tolist() == [-1.5, 2.0, 3.0]


def test_csv_frame_takes_equal_column_names_and_no_rows() -> None:
    table = pd.DataFrame([["=1", "@2"]], columns=["a", "a"])
    assert csv_frame(table).to_numpy().tolist() == [["'=1", "'@2"]]
    assert csv_frame(table.iloc[:0]).shape == (0, 2)


def test_csv_table_changes_texts_alone_and_keeps_the_schema() -> None:
    table = pa.table({"predicted": ["=1", None], "p_=1": pa.array([0.5, None], pa.float32())})
    written = csv_table(table)
    assert written.schema == table.schema
    assert written.to_pydict() == {"predicted": ["'=1", None], "p_=1": [0.5, None]}
