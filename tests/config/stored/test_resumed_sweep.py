from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlx.config.stored.resumed_sweep import sweep_to_resume
from tlx.errors import ConfigError, TlxError


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


def test_resume_of_a_sweep_keeps_what_goes_together(tmp_path: Path) -> None:
    asked = ["hydra.sweeper.pairs=[[seed,trainer.epochs]]", "seed=0,1", "trainer.epochs=1,2"]
    (tmp_path / "sweep.json").write_text(json.dumps({"arguments": asked}))
    assert sweep_to_resume([f"resume={tmp_path}"]) == [
        *asked, f"hydra.sweep.dir='{tmp_path}'", "-m",
    ]  # fmt: skip
    for other in ("hydra.sweeper.pairs=[]", "zip(seed=[0],trainer.epochs=[1])"):
        with pytest.raises(TlxError) as caught:
            sweep_to_resume([f"resume={tmp_path}", other])
        assert f"so {other} cannot be changed" in str(caught.value)


def test_resume_of_a_sweep_whose_pairs_are_none_is_refused(tmp_path: Path) -> None:
    asked = ["hydra.sweeper.pairs={a:1}", "seed=0,1"]
    (tmp_path / "sweep.json").write_text(json.dumps({"arguments": asked}))
    with pytest.raises(ConfigError) as caught:
        sweep_to_resume([f"resume={tmp_path}"])
    assert str(caught.value) == (
        "hydra.sweeper.pairs.a=1: sweep.json may not set this of Hydra. "
        "Type it again beside resume=SWEEP if you want it."
    )
