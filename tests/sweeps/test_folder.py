from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from tlx.errors import TlxError
from tlx.sweeps.folder import claimed_sweep
from tlx.sweeps.record import code_version


def test_claimed_sweep_writes_what_was_asked(tmp_path: Path) -> None:
    with claimed_sweep(tmp_path / "s", ["-m", "seed=0,1"]):
        content = json.loads((tmp_path / "s/sweep.json").read_text())
    assert content["arguments"] == ["-m", "seed=0,1"]
    assert content["code_version"] == code_version()
    assert datetime.fromisoformat(content["started_at"]).tzinfo is not None


def test_claimed_sweep_of_a_claimed_folder_is_an_error(tmp_path: Path) -> None:
    with (
        claimed_sweep(tmp_path, ["first"]),
        pytest.raises(TlxError, match=r"is being written by another sweep. Wait for it, or"),
        claimed_sweep(tmp_path, ["second"]),
    ):
        pass
    assert json.loads((tmp_path / "sweep.json").read_text())["arguments"] == ["first"]
    with claimed_sweep(tmp_path, ["third"]):
        assert json.loads((tmp_path / "sweep.json").read_text())["arguments"] == ["third"]
