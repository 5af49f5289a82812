from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from tlx.errors import TlxError
from tlx.runs.result import Result
from tlx.runs.run import Run
from tlx.texts.log_format import OwnFileHandler


@pytest.mark.parametrize("name", ["train.log", "checkpoints/last.ckpt", "tensorboard/x", "exports"])
def test_run_in_a_folder_with_a_symbolic_link_is_refused_before_it_writes(
    name: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    folder = tmp_path / "run"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).symlink_to(elsewhere)
    sentence = (
        f"{folder / name} is a symbolic link, and what a run writes stays in its folder. "
        "Put the file or folder itself there, or remove the link."
    )
    with pytest.raises(TlxError, match=f"^{re.escape(sentence)}$"):
        Run.start(folder)
    assert not (folder / "result.json").exists()
    Result(status="failed").write(folder)
    with pytest.raises(TlxError, match=f"^{re.escape(sentence)}$"):
        Run.resume(folder)
    assert elsewhere.read_text() == "mine"


def test_run_whose_own_path_holds_a_link_is_started(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "outputs").symlink_to(tmp_path / "disk")
    with Run.start(tmp_path / "outputs" / "run").recording():
        pass
    assert (tmp_path / "disk" / "run" / "result.json").is_file()


def test_own_file_handler_appends_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\n")
    handler = OwnFileHandler(tmp_path / "a.log")
    handler.emit(logging.LogRecord("tlx", logging.INFO, "", 0, "two", None, None))
    handler.close()
    assert (tmp_path / "a.log").read_text() == "one\ntwo\n"
    (tmp_path / "link.log").symlink_to(tmp_path / "a.log")
    with pytest.raises(OSError, match="symbolic links"):
        OwnFileHandler(tmp_path / "link.log")
    assert (tmp_path / "a.log").read_text() == "one\ntwo\n"
