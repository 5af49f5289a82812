"""Both sweeps, each a command in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.benchmarks.probe_sweep.field import MEASURED_FILE
from experiments.benchmarks.probe_sweep.grid import JOBS, TLX_NAMES, VALUES, grid, sweep_overrides
from experiments.benchmarks.single_run.tlx_side import overrides_of
from experiments.benchmarks.single_run.workload import Workload
from tlx.config.typed.quoting import quoted

FIELD = "experiments.benchmarks.probe_sweep.field"


@dataclass(frozen=True)
class Sweep:
    """A sweep that has ended.

    Args:
        side: Who ran it.
        jobs_run: How many jobs it ran.
        wall_s: Seconds of the whole command.
        all_jobs_s: The same for all jobs of the grid; where not all ran, the rest is added at the
            mean time of a job's work, without any cost of the launcher.
        best_accuracy: The highest accuracy on the test images.
    """

    side: str
    jobs_run: int
    wall_s: float
    all_jobs_s: float
    best_accuracy: float


def run_tlx(work: Workload, slots: int, folder: Path) -> Sweep:
    """Run the whole grid on tlx's Spark launcher, with an empty activation store."""
    swept = set(TLX_NAMES.values())
    fixed = [o for o in overrides_of(work) if o.partition("=")[0] not in swept]
    sweep = [
        *("hydra/launcher=spark", f"hydra.launcher.master='local[{slots}]'"),
        *(f"hydra.sweep.dir={quoted(str(folder / 'sweep'))}", *sweep_overrides(VALUES, TLX_NAMES)),
    ]
    wall_s = _timed(["-m", "tlx.train", "-m", *fixed, *sweep], folder)
    results = [json.loads(p.read_text()) for p in (folder / "sweep").glob("*/result.json")]
    scores = [r["metrics"]["test"]["accuracy"] for r in results if r["status"] == "completed"]
    if len(scores) != JOBS:
        raise RuntimeError(f"tlx completed {len(scores)} of {JOBS} jobs; see {folder}")
    return Sweep("tlx", JOBS, wall_s, wall_s, max(scores))


def run_field(work: Workload, slots: int, jobs: int, folder: Path) -> Sweep:
    """Run the grid, or a part of it, on Hydra's joblib launcher."""
    names = {name: f"work.{name}" for name in VALUES}
    given = asdict(work) | {"folder": ""}
    fixed = [f"work.{name}='{value}'" if isinstance(value, str) else f"work.{name}={value}"
             for name, value in given.items() if name not in VALUES]  # fmt: skip
    sweep = [
        *("hydra/launcher=joblib", f"hydra.launcher.n_jobs={slots}"),
        *(f"hydra.sweep.dir={quoted(str(folder / 'sweep'))}", *sweep_overrides(grid(jobs), names)),
    ]
    wall_s = _timed(["-m", FIELD, "-m", *fixed, *sweep], folder)
    told = [json.loads(p.read_text()) for p in (folder / "sweep").glob(f"*/{MEASURED_FILE}")]
    if len(told) != jobs:
        raise RuntimeError(f"joblib completed {len(told)} of {jobs} jobs; see {folder}")
    rest_s = (JOBS - jobs) / slots * sum(one["seconds"] for one in told) / jobs
    best = max(one["test_accuracy"] for one in told)
    return Sweep("joblib", jobs, wall_s, wall_s + rest_s, best)


def _timed(command: Sequence[str], folder: Path) -> float:
    """Run a Python command with one thread per job and return its wall seconds."""
    folder.mkdir(parents=True)
    began = time.perf_counter()
    with (folder / "console.log").open("wb") as console:
        done = subprocess.run(
            [sys.executable, *command],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=console,
            stderr=console,
            check=False,
        )
    wall_s = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError((folder / "console.log").read_text()[-2000:])
    return wall_s
