"""Reading how far a job has come."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlx.errors import TlxError
from tlx.search.history import read_history


def test_history_gives_whole_rows_only(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,val_accuracy\n1,8,0.5\n2,16,0.75\n3,24,\n4")
    assert read_history(tmp_path, "val_accuracy") == [(1, 0.5), (2, 0.75)]


def test_history_without_a_file_is_empty(tmp_path: Path) -> None:
    assert read_history(tmp_path, "val_accuracy") == []
    (tmp_path / "metrics.csv").write_text("")
    assert read_history(tmp_path, "val_accuracy") == []


def test_history_without_the_column_names_those_there(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,val_loss\n1,0.5\n")
    with pytest.raises(KeyError, match="no column val_accuracy; it has epoch, val_loss"):
        read_history(tmp_path, "val_accuracy")


@pytest.mark.parametrize("row", ["inf,0.5", "1,0.5,9,9", ",", "nan,1"])
def test_history_with_odd_rows_gives_the_others(row: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(f"epoch,val_accuracy\n{row}\n2,0.75\n")
    assert read_history(tmp_path, "val_accuracy")[-1] == (2, 0.75)


def test_history_of_a_binary_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_bytes(b"\xff\x00")
    with pytest.raises(TlxError, match=r"metrics\.csv cannot be read: 'utf-8' codec"):
        read_history(tmp_path, "val_accuracy")
