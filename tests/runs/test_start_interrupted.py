"""A start that is stopped at any point leaves a folder that can start again or be resumed."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tlx.errors import TlxError
from tlx.runs.run import Run

WATCHED = ("tlx/runs/run.py", "tlx/runs/atomic.py", "tlx/runs/result.py")
CONFIG = "# A run\nseed: 1\n"


def start_stopped_at(line: int, folder: Path) -> bool:
    """Start a run, with Ctrl-C before the given line that is executed; return whether it came."""
    left = line

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        Run.start(folder, "python -m tlx.train", CONFIG)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
        gc.collect()  # a process that ends lets go of its lock
    return False


@pytest.fixture
def quick_collection() -> Iterator[None]:
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("quick_collection")
def test_start_stopped_before_any_line_can_start_again_or_be_resumed(tmp_path: Path) -> None:
    ways = set()
    for line in count():
        folder = tmp_path / str(line)
        if not start_stopped_at(line, folder):
            break
        if (folder / "result.json").exists():
            ways.add("resumed")
            run = Run.resume(folder)
        else:
            ways.add("started")
            run = Run.start(folder, "python -m tlx.train", CONFIG)
        assert (folder / "config.yaml").read_text() == CONFIG
        with run.recording():
            pass
    assert line > 20
    assert ways == {"started", "resumed"}


def test_start_beside_a_config_of_something_else_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("theme: dark\n")
    with pytest.raises(TlxError) as error:
        Run.start(tmp_path, config=CONFIG)
    assert str(error.value) == (
        f"{tmp_path / 'config.yaml'} is there already and no run's, and would be overwritten. "
        "Choose another folder."
    )
    assert (tmp_path / "config.yaml").read_text() == "theme: dark\n"
    assert not (tmp_path / "result.json").exists()
