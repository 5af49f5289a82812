"""One timed sweep of the application in a process of its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.benchmarks.launchers.jobs import TIMES_FILE
from experiments.benchmarks.launchers.memory import java_of, resident_mb

APP = "experiments.benchmarks.launchers.app"
SAMPLE_EVERY_S = 0.2


@dataclass
class Sweep:
    """A sweep that has ended.

    Args:
        jobs: How many it was asked to run.
        slots: How many could run at a time.
        began: When its process was started (seconds since the epoch).
        wall_s: Seconds from then until the process had ended.
        exit_status: Its exit status.
        times: One row per job that ended: `entered`, `ended` (seconds since the epoch), `job_s`
            (seconds of training), in the order in which they ended.
        memory: One row per sample: `time`, `driver_mb`, `java_mb`.
    """

    jobs: int
    slots: int
    began: float
    wall_s: float
    exit_status: int
    times: pd.DataFrame
    memory: pd.DataFrame


def run_sweep(launcher: Sequence[str], jobs: int, steps: int, slots: int, folder: Path) -> Sweep:
    """Run a sweep and time it.

    Args:
        launcher: The overrides that choose the launcher.
        jobs: How many jobs.
        steps: Steps of training in each; 0 for empty jobs.
        slots: How many jobs at a time.
        folder: The sweep's folder, which must not exist.
    """
    folder.mkdir(parents=True)
    command = [
        *(sys.executable, "-m", APP, "-m", *launcher),
        *(f"hydra.sweep.dir={folder.absolute()}", f"steps={steps}", f"index=range({jobs})"),
    ]
    samples = []
    began = time.time()
    with (folder / "console.log").open("wb") as console:
        process = subprocess.Popen(
            command, stdout=console, stderr=console, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        java = None
        while process.poll() is None:
            java_mb = resident_mb(java) if java else float("nan")
            if math.isnan(java_mb):  # short-lived ones come before the one that stays
                java = java_of(process.pid)
            samples.append((time.time(), resident_mb(process.pid), java_mb))
            _wait(process, SAMPLE_EVERY_S)
    wall_s = time.time() - began
    memory = pd.DataFrame(samples, columns=["time", "driver_mb", "java_mb"])
    return Sweep(jobs, slots, began, wall_s, process.returncode, read_times(folder), memory)


def read_times(folder: Path) -> pd.DataFrame:
    """Return what the jobs of a sweep wrote of their times, in the order in which they ended."""
    rows = [json.loads(path.read_text()) for path in folder.glob(f"*/{TIMES_FILE}")]
    frame = pd.DataFrame(rows, columns=["entered", "ended", "job_s"])
    return frame.sort_values("ended", ignore_index=True)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return
