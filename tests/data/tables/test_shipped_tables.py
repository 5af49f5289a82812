from __future__ import annotations

from pathlib import Path

import pytest

from tlx.data.tables.shipped_tables import SHIPPED_TABLES, shipped_tables, table_path
from tlx.data.tables.table_csv import TableCsv


def test_shipped_tables_are_named_in_order() -> None:
    assert shipped_tables() == ("source_curve", "target_curve")


def test_table_path_of_a_shipped_name_is_its_file_wherever_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target_curve").touch()
    assert table_path("target_curve") == SHIPPED_TABLES / "target_curve.csv"
    assert table_path("target_curve").is_file()


@pytest.mark.parametrize("path", ["./target_curve", "target_curve.csv", "/a/target_curve", "own"])
def test_table_path_of_a_path_is_itself(path: str) -> None:
    assert table_path(path) == Path(path)


def test_table_of_a_shipped_name_is_recorded_with_its_file() -> None:
    task = TableCsv(path="target_curve", label_column="y", task="regression").load()
    assert task.name == "target_curve"
    assert task.about["file"] == str(SHIPPED_TABLES / "target_curve.csv")
    assert sum(len(split) for split in (task.train, task.val, task.test)) == 100
