"""A program with a search: how it ends, and how it goes on after kill -9."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.search.test_sweeper import asked, results, trials

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import os, pathlib, signal
import hydra

@hydra.main(version_base="1.3", config_path=None)
def main(cfg):
    marker = pathlib.Path("killed")
    if cfg.x == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if cfg.x == 3:
        raise ValueError("three is wrong")
    return cfg.x

main()
"""


def test_program_killed_goes_on_and_its_exit_status_tells_of_failures(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    folder = tmp_path / "found"
    options = ("+x=range(1,5)", "hydra.sweeper.sampler=grid", f"hydra.sweep.dir={folder}")
    command = [sys.executable, "program.py", "-m", "hydra/sweeper=optuna", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert run().returncode == -9
    assert [one.state.name for one in trials(folder)] == ["COMPLETE", "RUNNING"]
    assert results(folder)["best_params"] == {"+x": 1}
    done = run()
    assert done.returncode == 1
    assert "1 of 4 trials failed (2), the first by ValueError: three is wrong." in done.stderr
    assert [one.value for one in trials(folder)] == [1, 2, None, 4]
    assert asked(folder) == [["+x=1"], ["+x=2"], ["+x=2"], ["+x=3"], ["+x=4"]]
    assert results(folder)["best_params"] == {"+x": 4}
