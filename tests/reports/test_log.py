from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.small_disk import fill, small_disk
from tlx.reports.log import LogFile, logged_to


def test_log_on_a_full_disk_says_so_once_and_keeps_what_it_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        log = logging.getLogger("a log of its own")
        log.propagate = False
        handler = LogFile(disk / "train.log")
        log.addHandler(handler)
        log.warning("before")
        fill(disk)
        for _ in range(3):
            log.warning("x" * 5000)
        handler.close()
        said = capsys.readouterr().err
        assert said == (
            f"{disk}/train.log cannot be written: the file system at {disk} has too little room "
            "(0 of 0.0655 MB free). Make room there. The log goes on without it.\n"
        )
        assert (disk / "train.log").read_text().startswith("before\n")


def test_log_of_a_line_that_cannot_be_formatted_tells_as_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LogFile(tmp_path / "train.log")
    handler.handle(logging.LogRecord("a", logging.INFO, "", 0, "%d", ("x",), None))
    handler.close()
    assert "--- Logging error ---" in capsys.readouterr().err


def test_log_that_is_not_verbose_shows_warnings_alone_and_writes_all_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(logging.getLogger().handlers)
    with logged_to(tmp_path, verbose=False):
        logging.getLogger("tlx").info("an epoch")
        logging.getLogger("tlx").warning("a fault")
    assert capsys.readouterr() == ("", "a fault\n")
    assert [line.split()[-2:] for line in (tmp_path / "train.log").read_text().splitlines()] == [
        ["an", "epoch"],
        ["a", "fault"],
    ]
    assert logging.getLogger().handlers == before
