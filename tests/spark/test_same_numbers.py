"""Promise 3: the same configuration and seed give the same numbers, whichever launcher ran them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file

from tests.tiny import TINY, command, result_of

LAUNCHERS = {
    "basic": ("hydra/launcher=basic",),
    "debug": ("hydra/launcher=debug",),
    "fork": ("hydra/launcher=spark", "hydra.launcher.master='local[2]'"),
}
SWEEP = (*TINY, "trainer.epochs=1", "seed=0,1")


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sweeps")
    for name, launcher in LAUNCHERS.items():
        arguments = ("-m", *launcher, *SWEEP, f"hydra.sweep.dir={folder / name}")
        done = command("tlx.train", *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
    return {name: folder / name for name in LAUNCHERS}


@pytest.mark.parametrize("launcher", [name for name in LAUNCHERS if name != "basic"])
@pytest.mark.parametrize("job", ["0", "1"])
def test_training_under_a_launcher_gives_the_numbers_of_the_basic_one_digit_for_digit(
    launcher: str, job: str, sweeps: dict[str, Path]
) -> None:
    ours, basic = sweeps[launcher] / job, sweeps["basic"] / job
    assert result_of(ours)["metrics"] == result_of(basic)["metrics"]
    assert result_of(ours)["best_epoch"] == result_of(basic)["best_epoch"]
    histories = [pd.read_csv(f / "metrics.csv").drop(columns="seconds") for f in (ours, basic)]
    pd.testing.assert_frame_equal(*histories, check_exact=True)
    theirs = load_file(basic / "model.safetensors")
    assert all(theirs[n].equal(v) for n, v in load_file(ours / "model.safetensors").items())


def test_the_two_seeds_give_different_numbers(sweeps: dict[str, Path]) -> None:
    assert (
        result_of(sweeps["basic"] / "0")["metrics"] != result_of(sweeps["basic"] / "1")["metrics"]
    )
