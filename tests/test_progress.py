from __future__ import annotations

import sys

import pytest

from tlx.progress import shows_bars, without_bars


def test_bars_are_drawn_on_a_terminal_unless_work_is_to_be_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not shows_bars()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert shows_bars()
    with without_bars():
        assert not shows_bars()
    assert shows_bars()
