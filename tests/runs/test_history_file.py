from __future__ import annotations

import math
from pathlib import Path

import pytest

from tlx.runs.history_file import history_numbers, history_rows
from tlx.runs.stored import DamagedFileError


def test_history_is_read_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,val_loss\n1,0.5\n2,\n")
    first, second = history_numbers(tmp_path)
    assert first == {"epoch": 1.0, "val_loss": 0.5}
    assert (second["epoch"], math.isnan(second["val_loss"])) == (2.0, True)
    assert history_rows(tmp_path)[0] == ("epoch", "val_loss")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"epoch,val_loss\n1,x\n", "could not convert string to float: 'x'"),
        (b"epoch\n\xff\xfe\n", "'utf-8' codec can't decode byte 0xff in position 6"),
        (b"epoch\n" + b"1" * 200_000, "field larger than field limit (131072)"),
        (b'epoch\n"1', "unexpected end of data"),
    ],
)
def test_history_that_is_damaged_is_one_sentence(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "metrics.csv").write_bytes(content)
    with pytest.raises(DamagedFileError) as error:
        history_numbers(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/metrics.csv cannot be read: {reason}")


def test_history_that_is_a_folder_is_damaged_and_none_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        history_rows(tmp_path)
    (tmp_path / "metrics.csv").mkdir()
    with pytest.raises(DamagedFileError, match=r"metrics\.csv cannot be read: Is a directory\.$"):
        history_rows(tmp_path)
