from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from tlx.evaluate import main
from tlx.texts.typed_path import typed_path


def test_typed_path_takes_the_home_folder_for_a_leading_tilde(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert typed_path("~/x") == Path("/home/ada/x")
    assert typed_path("x/~") == Path("x/~")
    assert typed_path("~nobody-here/x") == Path("~nobody-here/x")


def test_typed_path_that_is_not_utf_8_is_refused_by_a_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = os.fsdecode(b"runs/caf\xe9")
    with pytest.raises(argparse.ArgumentTypeError):
        typed_path(text)
    with pytest.raises(SystemExit) as ended:
        main([text])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(
        "error: argument RUN: runs/caf\\xe9 is not UTF-8, and could be written into no record; "
        "rename the file or folder\n"
    )
