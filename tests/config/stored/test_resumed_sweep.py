from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlx.config.stored.resumed_sweep import sweep_to_resume
from tlx.errors import TlxError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    asked = ["hydra/launcher=spark", "hydra.sweep.dir=x", "hydra.mode=MULTIRUN", "seed=0,1"]
    (tmp_path / "sweep.json").write_text(json.dumps({"arguments": asked}))
    return tmp_path


def test_resume_of_a_sweep_is_its_command_into_its_folder(folder: Path) -> None:
    here = f"hydra.sweep.dir='{folder}'"
    expected = ["hydra/launcher=spark", "seed=0,1", here, "-m"]
    assert sweep_to_resume(["-m", f"resume={folder}"]) == expected
    assert sweep_to_resume([f"resume={folder}"]) == expected


def test_resume_of_a_sweep_takes_launcher_options_and_retry_failed(folder: Path) -> None:
    options = ["hydra/launcher=debug", "retry_failed=true"]
    assert sweep_to_resume([f"resume={folder}", *options]) == [
        "seed=0,1",
        "hydra/launcher=debug",
        "hydra.launcher.retry_failed=true",
        f"hydra.sweep.dir='{folder}'",
        "-m",
    ]


def test_resume_of_a_sweep_with_another_option_is_refused(folder: Path) -> None:
    with pytest.raises(TlxError, match="so seed=3 cannot be changed"):
        sweep_to_resume([f"resume={folder}", "seed=3"])


def test_arguments_of_anything_else_stay_as_they_are(tmp_path: Path) -> None:
    for arguments in (["-m", "seed=0,1"], [f"resume={tmp_path}"], []):
        assert sweep_to_resume(arguments) == arguments
