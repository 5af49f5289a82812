from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest

from tlx.errors import TlxError
from tlx.runs.links import refuse_links
from tlx.runs.result import Result
from tlx.runs.run import Run
from tlx.sweeps.folder import claimed_sweep
from tlx.texts.log_format import OwnFileHandler


@pytest.mark.parametrize(
    "name", ["train.log", "checkpoints/last.ckpt", "tensorboard/x", "exports", ".hydra", ".lock"]
)
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


def test_sweep_in_a_folder_with_a_symbolic_link_is_refused_before_it_writes(
    tmp_path: Path,
) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/.lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(TlxError, match=r"sweep/\.lock is a symbolic link, and what a run writes "),
        claimed_sweep(tmp_path / "sweep", []),
    ):
        pass
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert not (tmp_path / "sweep/sweep.json").exists()


def test_folder_with_a_dangling_link_or_a_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/train.log").symlink_to("/nowhere/at/all")
    with pytest.raises(TlxError, match=r"a/train\.log is a symbolic link, and what a run writes "):
        refuse_links(tmp_path / "a")
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b/train.log")
    with pytest.raises(TlxError, match=r"b/train\.log is neither a file nor a folder, and a run "):
        refuse_links(tmp_path / "b")


def test_folder_that_is_a_link_or_has_links_within_itself_is_taken(tmp_path: Path) -> None:
    (tmp_path / "sweep/17").mkdir(parents=True)
    (tmp_path / "sweep/best").symlink_to("17")
    (tmp_path / "link").symlink_to("sweep")
    refuse_links(tmp_path / "link")
    refuse_links(tmp_path / "nowhere")
