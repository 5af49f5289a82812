"""One sweep of `tlx.train` on Spark, as a user types it, and its table."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tlx.config.typed.quoting import quoted
from tlx.errors import TlxError
from tlx.runs.atomic import write_json

WALL_FILE = "wall.json"


def command(folder: Path, slots: int, overrides: Sequence[str]) -> list[str]:
    """Return the command line of a sweep.

    Args:
        folder: The sweep's folder; what it holds complete is not trained again.
        slots: How many jobs at a time.
        overrides: What to train; commas make the grid.
    """
    return [
        *(sys.executable, "-m", "tlx.train", "-m", "hydra/launcher=spark"),
        *(
            f"hydra.launcher.master='local[{slots}]'",
            f"hydra.sweep.dir={quoted(str(folder.absolute()))}",
        ),
        *("trainer.threads=1", *overrides),
    ]


def run_sweep(folder: Path, slots: int, overrides: Sequence[str]) -> pd.DataFrame:
    """Run a sweep, or what is missing of it, and return its table (`results.csv`).

    Raises:
        TlxError: Where a job failed; the sweep's last lines tell.
    """
    asked = command(folder, slots, overrides)
    done = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-20:])
        raise TlxError(f"The sweep in {folder} ended with status {done.returncode}:\n{tail}")
    return newest(pd.read_csv(folder / "results.csv"))


def newest(table: pd.DataFrame) -> pd.DataFrame:
    """Return the last job of each combination of overrides, renumbered from 0.

    A folder of an older tlx keeps the jobs whose configuration has changed since; the same
    combinations then stand in it twice.

    Args:
        table: A sweep's `results.csv`: the overrides stand between `status` and the scores.
    """
    columns = list(table.columns)
    asked = columns[columns.index("status") + 1 : columns.index("val_samples")]
    return table.drop_duplicates(asked, keep="last").reset_index(drop=True)


def timed_sweep(folder: Path, slots: int, overrides: Sequence[str]) -> dict[str, float]:
    """Run a sweep from its beginning and return its wall time, or read what an earlier one took.

    Returns:
        `slots`, `jobs`, `wall_s` (of the whole command), `start_s` (until the first job began),
        `jobs_s` (from the first job's beginning to the last one's end) and `sum_s` (of all jobs).
    """
    if not (folder / WALL_FILE).is_file():
        shutil.rmtree(folder, ignore_errors=True)  # of a timing that was interrupted
        began = time.time()
        frame = run_sweep(folder, slots, overrides)
        wall_s = time.time() - began
        measured = {"slots": slots, "jobs": len(frame), "wall_s": wall_s}
        write_json(folder / WALL_FILE, measured | _of_jobs(folder, began))
    measured = json.loads((folder / WALL_FILE).read_text(encoding="utf-8"))
    return {name: float(value) for name, value in measured.items()}


def _of_jobs(folder: Path, began: float) -> dict[str, float]:
    """Return what the jobs' own records tell of a sweep that began then."""
    jobs = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/job.json")]
    started = pd.to_datetime([job["started_at"] for job in jobs])
    ended = pd.to_datetime([job["finished_at"] for job in jobs])
    return {
        "start_s": started.min().timestamp() - began,
        "jobs_s": (ended.max() - started.min()).total_seconds(),
        "sum_s": float((ended - started).total_seconds().to_numpy().sum()),
    }
