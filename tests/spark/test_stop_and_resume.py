"""A sweep that is stopped or killed leaves no process behind, and goes on where it stood."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tlx.spark.scratch import temporary_root

ROOT = Path(__file__).resolve().parents[2]
APP = """
import os, sys, time
from pathlib import Path
import hydra
from hydra.core.hydra_config import HydraConfig

@hydra.main(version_base="1.3", config_path=None)
def main(cfg):
    folder = Path(HydraConfig.get().runtime.output_dir)
    with (folder / "runs").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    while cfg.x > 0 and Path("hold").exists():
        time.sleep(0.05)
    return cfg.x * 2.0

if __name__ == "__main__":
    main()
"""


def start(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    (folder / "app.py").write_text(APP)
    launcher = ("hydra/launcher=spark", "hydra.launcher.master='local[2]'", "hydra.sweep.dir=sweep")
    return subprocess.Popen(
        [sys.executable, "app.py", "-m", *launcher, "+x=0,1,2,3", *overrides],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HYDRA_FULL_ERROR": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(what: Callable[[], bool], timeout_s: float = 180.0) -> float:
    started = time.monotonic()
    while not what():
        assert time.monotonic() - started < timeout_s, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - started


def status(folder: Path, number: int) -> str:
    try:
        return str(json.loads((folder / "sweep" / str(number) / "job.json").read_text())["status"])
    except (OSError, ValueError):
        return ""


def runs(folder: Path, number: int) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "sweep" / str(number) / "runs").read_text().split()]
    except OSError:
        return []


def are_gone(pids: list[int]) -> bool:
    def state(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return "gone"

    return all(state(pid) in ("gone", "Z") for pid in pids)


def children_of(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    mine = [int(child) for child in told]
    return mine + [further for child in mine for further in children_of(child)]


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A folder in which two jobs of the sweep run and wait, and one waits for a slot."""
    (tmp_path / "hold").touch()
    return tmp_path


def test_ctrl_c_stops_jobs_and_writes_the_table(held: Path) -> None:
    program = start(held)
    wait_for(lambda: bool(runs(held, 1) and runs(held, 2)))
    processes = children_of(program.pid)
    program.send_signal(signal.SIGINT)
    wait_for(lambda: are_gone(runs(held, 1) + runs(held, 2)), 60)
    assert program.wait(20) != 0
    assert are_gone(processes), "orphans"
    table = pd.read_csv(held / "sweep" / "results.csv")
    assert list(table["status"]) == ["completed", "cancelled", "cancelled", "cancelled"]
    assert [len(runs(held, number)) for number in range(4)] == [1, 1, 1, 0]


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, -2), (signal.SIGTERM, 143)])
def test_stop_while_spark_starts_leaves_neither_process_nor_folder(
    held: Path, signum: signal.Signals, status: int
) -> None:
    program = start(held)
    wait_for(lambda: any(map(starts_spark, children_of(program.pid))))
    processes = children_of(program.pid)
    program.send_signal(signum)
    _, told = program.communicate(timeout=60)
    assert (program.returncode, are_gone(processes)) == (status, True), told
    assert folders_of(program.pid) == []
    assert not [*(held / "sweep").glob(".tlx-*")]


def starts_spark(pid: int) -> bool:
    """Return whether a process is `spark-submit`, or the JVM already, and not git, say."""
    try:
        started = Path(f"/proc/{pid}/cmdline").read_bytes().lower()
        return b"spark-submit" in started or b"sparksubmit" in started
    except OSError:
        return False


def folders_of(pid: int) -> list[Path]:
    return [*temporary_root().glob(f"tlx-spark-{pid}-*")]


def test_killed_driver_leaves_no_process_and_the_same_command_resumes(held: Path) -> None:
    program = start(held)
    wait_for(lambda: bool(status(held, 0) == "completed" and runs(held, 1) and runs(held, 2)))
    processes = children_of(program.pid)
    program.kill()
    wait_for(lambda: are_gone(processes + runs(held, 1) + runs(held, 2)), 20)
    assert [status(held, number) for number in range(4)] == [
        "completed",
        "running",
        "running",
        "queued",
    ]
    (held / "hold").unlink()
    (held / "sweep" / ".shared-0-1").mkdir()
    (held / "sweep" / "1" / ".envelope-of-old.pickle").touch()
    again = start(held)
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0, told
    table = pd.read_csv(held / "sweep" / "results.csv")
    assert list(table["status"]) == ["completed"] * 4
    assert list(table["return_value"]) == [0.0, 2.0, 4.0, 6.0]
    assert [len(runs(held, number)) for number in range(4)] == [1, 2, 2, 1], "0 was skipped"
    assert "1 skipped" in told
    assert folders_of(program.pid) == folders_of(again.pid) == []
    left = {path.name for path in (held / "sweep").rglob(".*") if path.name != ".hydra"}
    assert left == {".lock"} or left == {".lock", ".script"}, left
