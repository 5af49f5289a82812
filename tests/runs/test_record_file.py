from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tlx.runs.record_file import read_record, record_of
from tlx.runs.stored import DamagedFileError


@dataclass(frozen=True)
class Point:
    """A record to read."""

    name: str
    sides: tuple[int, ...] = ()
    height: float | None = None
    about: dict[str, object] = field(default_factory=dict)


def test_record_has_tuples_for_lists_and_leaves_out_what_is_unknown() -> None:
    content = {"name": "a", "sides": [1, 2], "height": 3, "about": {"x": [None]}, "later": 1}
    assert record_of(content, Point) == Point("a", (1, 2), 3.0, {"x": [None]})


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], "it holds no JSON object"),
        (None, "it holds no JSON object"),
        ({}, "name is missing"),
        ({"name": 1}, "name should be a valid string, not 1"),
        ({"name": "a", "sides": "12"}, "sides should be a valid array, not '12'"),
        ({"name": "a", "sides": [1, "2"]}, "sides.1 should be a valid integer, not '2'"),
        ({"name": "a", "height": "x" * 99}, "height should be a valid number, not '" + "x" * 39),
        (
            {"name": 1, "sides": [True, 1.5, None, "a"]},
            "name should be a valid string, not 1; sides.0 should be a valid integer, not True; "
            "sides.1 should be a valid integer, not 1.5; "
            "and 2 more",
        ),
    ],
)
def test_record_of_wrong_types_names_them(content: object, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}") as error:
        record_of(content, Point)
    assert len(str(error.value)) < 300


def test_record_of_a_whole_number_of_many_digits_reads_it() -> None:
    assert record_of({"name": "a", "sides": [10**400]}, Point).sides == (10**400,)


def test_read_record_of_a_pipe_or_a_large_file_is_damaged_and_of_none_is_missing(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DamagedFileError, match=r"pipe cannot be read: it is no regular file\.$"):
        read_record(tmp_path / "pipe", Point)
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(DamagedFileError, match=r"large cannot be read: it is larger than 17 MB\.$"):
        read_record(tmp_path / "large", Point)
    with pytest.raises(FileNotFoundError):
        read_record(tmp_path / "none/none", Point)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DamagedFileError, match=r"loop cannot be read: Too many levels of"):
        read_record(tmp_path / "loop", Point)
