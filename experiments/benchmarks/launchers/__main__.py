"""Launchers compared: overhead per job, efficiency on short trainings, and a sweep of 1,000 jobs.

    python -m experiments.benchmarks.launchers

Each launcher runs the same sweeps of the same application (`app.py`), one after the other: empty
jobs, then jobs which train for about two seconds on one thread. The number of steps is the same
for all; it is found once, before, on this machine. A launcher that is not installed is left out,
and the table says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from experiments.benchmarks.launchers.contestants import CONTESTANTS, TLX
from experiments.benchmarks.launchers.jobs import steps_for
from experiments.benchmarks.launchers.measures import by_part, measures
from experiments.benchmarks.launchers.report import (
    empty_table,
    long_sweep_table,
    training_table,
)
from experiments.benchmarks.launchers.sweeps import run_sweep
from tlx.runs.atomic import atomic_path, write_text

JOB_MODULES = ["torch", "torch._dynamo"]
RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.launchers")
    parser.add_argument("--jobs", type=int, default=64, help="jobs of each sweep")
    parser.add_argument("--slow-jobs", type=int, default=16, help="the same, for submitit")
    parser.add_argument("--slots", type=int, default=2, help="jobs at a time")
    parser.add_argument("--job-seconds", type=float, default=2.0, help="training in a job, alone")
    parser.add_argument("--long-sweep", type=int, default=1000, help="empty jobs for tlx; 0: none")
    parser.add_argument("--launchers", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--output", type=Path, default=Path("outputs/benchmarks/launchers"))
    parser.add_argument("--record", type=Path, default=RECORD, help="where the numbers go (CSV)")
    given = parser.parse_args(arguments)
    given.record.parent.mkdir(parents=True, exist_ok=True)
    given.output = given.output / datetime.now().strftime("%Y-%m-%d/%H-%M-%S")
    missing = [name for name in given.launchers if not CONTESTANTS[name].is_installed()]
    texts = [f"Left out: {name} (pip install {CONTESTANTS[name].package})" for name in missing]
    texts += compared(given, [name for name in given.launchers if name not in missing])
    if given.long_sweep:
        texts.append(long_sweep(given))
    report = "\n\n".join(texts)
    write_text(given.record.with_suffix(".md"), report + "\n")
    print(report)


def compared(given: argparse.Namespace, names: Sequence[str]) -> list[str]:
    """Run both sweeps of every launcher and return the tables."""
    steps = steps_for(given.job_seconds)
    rows = []
    loads: list[tuple[str, int, list[str]]] = [("empty", 0, []), ("training", steps, JOB_MODULES)]
    for load, load_steps, modules in loads:
        for name in names:
            launcher = CONTESTANTS[name].overrides(given.slots, modules)
            folder = given.output / f"{load}-{name.replace(' ', '_')}"
            jobs = given.slow_jobs if CONTESTANTS[name].is_slow else given.jobs
            sweep = run_sweep(launcher, jobs, load_steps, given.slots, folder)
            row = {"launcher": name, "load": load, "jobs": jobs, "slots": given.slots}
            rows.append(row | {"steps": load_steps} | measures(sweep))
            print(f"{load}, {name}: {sweep.wall_s:.1f} s", file=sys.stderr, flush=True)
    frame = pd.DataFrame(rows)
    with atomic_path(given.record) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4f")
    texts = [
        f"Empty jobs, {given.slots} slots:\n\n{empty_table(frame)}",
        f"Jobs of {steps} steps of training, {given.slots} slots:\n\n{training_table(frame)}",
    ]
    if TLX in names:
        texts.append(f"Spark's own start, measured alone: {spark_start_s(given.slots):.1f} s")
    return texts


def spark_start_s(slots: int) -> float:
    """Return how long Spark itself takes to start, measured in a process of its own."""
    module = "experiments.benchmarks.launchers.spark_start"
    command = [sys.executable, "-m", module, str(slots)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def long_sweep(given: argparse.Namespace) -> str:
    """Run many empty jobs on tlx and return how time and memory develop."""
    launcher = CONTESTANTS[TLX].overrides(given.slots, [])
    folder = given.output / "long-tlx"
    sweep = run_sweep(launcher, given.long_sweep, 0, given.slots, folder)
    parts = by_part(sweep, max(1, given.long_sweep // 10))
    with atomic_path(given.record.with_name("long_sweep.csv")) as temporary:
        parts.to_csv(temporary, index=False, float_format="%.4f")
    figures = measures(sweep)
    total = (
        f"{figures['completed']} of {given.long_sweep} empty jobs on {TLX}: {sweep.wall_s:.1f} s, "
        f"{figures['start_s']:.1f} s of them until the first job began; exit status "
        f"{sweep.exit_status}"
    )
    return f"{total}\n\n{long_sweep_table(parts)}" if len(parts) else total


if __name__ == "__main__":
    main()
