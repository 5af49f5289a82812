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
        ("", "result.json cannot be read: Expecting value: line 1 column 1 (char 0)."),
        ('{"status": "x"}', "status should be 'running', 'completed' or 'failed', not 'x'."),
        ('{"metrics": [1], "epochs": "3"}', "metrics should be an object, not a list of 1; epochs"),
        ('{"seconds": {"fit": null}}', "seconds.fit should be a valid number, not None."),
        ('{"resumed": 1.5}', "resumed should be a valid integer, not 1.5."),
        ('{"error": 5}', "result.json cannot be read: error should be a valid string, not 5."),
        ('{"best_epoch": ' + "9" * 5000 + "}", "result.json cannot be read: Exceeds the limit"),
        ("[" * 100_000, "result.json cannot be read: it is nested too deeply."),
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


def test_read_result_of_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "result.json").mkdir()
    with pytest.raises(TlxError, match=r"result\.json cannot be read: Is a directory\.$"):
        read_result(tmp_path)


def test_read_result_of_numbers_that_are_none_reads_them(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(
        '{"metrics": {"val": {"loss": NaN}}, "seconds": {"a": 1}}'
    )
    assert str(read_result(tmp_path).metrics["val"]["loss"]) == "nan"
