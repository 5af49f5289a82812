from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlx.errors import TlxError
from tlx.runs.result import Result, read_result


def test_result_written_and_read_is_the_same(tmp_path: Path) -> None:
    result = Result(command="python -m tlx.train", status="completed", metrics={"val": {"a": 0.5}})
    result.write(tmp_path)
    assert read_result(tmp_path) == result
    assert json.loads((tmp_path / "result.json").read_text())["format"] == 1


def test_read_result_leaves_out_what_a_later_version_added(tmp_path: Path) -> None:
    content = {"status": "failed", "epochs": 3, "later": 1}
    (tmp_path / "result.json").write_text(json.dumps(content))
    assert read_result(tmp_path) == Result(status="failed", epochs=3)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "is not the folder of a run: it has no result.json."),
        ("{", "result.json cannot be read: Expecting property name"),
        ("[1]", "result.json cannot be read: it holds no JSON object."),
        ("\x00\ufffd", "result.json cannot be read: "),
    ],
)
def test_read_result_of_no_run_or_a_damaged_file_is_an_error(
    content: str | None, text: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "result.json").write_text(content)
    with pytest.raises(TlxError) as error:
        read_result(tmp_path)
    assert text in str(error.value)


def test_read_result_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TlxError, match="file is not the folder of a run"):
        read_result(tmp_path / "file")
