"""64 configurations of a head: tlx on Spark beside the joblib launcher with a plain script.

python -m experiments.benchmarks.probe_sweep
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.benchmarks.machine import machine_words
from experiments.benchmarks.made_up.weights import write_weights
from experiments.benchmarks.probe_sweep.grid import JOBS
from experiments.benchmarks.probe_sweep.sweeps import Sweep, run_field, run_tlx
from experiments.benchmarks.single_run.workload import BACKBONE, Workload
from tlx.reports.across_seeds import markdown_table
from tlx.runs.atomic import atomic_path, write_text

RECORD = Path(__file__).parent / "results.csv"
SIDES = {"tlx": "tlx, Spark", "joblib": "plain Hydra script, joblib"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.probe_sweep")
    parser.add_argument("--train-images", type=int, default=1000)
    parser.add_argument("--val-images", type=int, default=200)
    parser.add_argument("--test-images", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--image-size", type=int, default=64, help="pixels of the network's input")
    parser.add_argument("--slots", type=int, default=2, help="jobs at a time")
    parser.add_argument("--rival-jobs", type=int, default=4, help=f"of {JOBS}; 0 leaves it out")
    parser.add_argument("--record", type=Path, default=RECORD, help="where the numbers go (CSV)")
    given = vars(parser.parse_args(arguments))
    slots, jobs, path = given.pop("slots"), given.pop("rival_jobs"), given.pop("record")
    with tempfile.TemporaryDirectory(prefix="tlx-benchmark-") as name:
        folder = Path(name)
        weights = write_weights(BACKBONE, folder / f"{BACKBONE}.pth")
        work = Workload(**given, threads=1, weights=str(weights))
        sweeps = [run_tlx(work.within(folder), slots, folder / "tlx")]
        print(f"tlx: {sweeps[0].wall_s:.1f} s", file=sys.stderr, flush=True)
        if jobs:
            sweeps.append(run_field(work, slots, jobs, folder / "joblib"))
    report(sweeps, path)


def report(sweeps: Sequence[Sweep], path: Path) -> None:
    """Write the record and its table, and print the table."""
    frame = pd.DataFrame([vars(sweep) for sweep in sweeps])
    text = f"{table(frame)}\n{machine_words()}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4f")
    write_text(path.with_suffix(".md"), text)
    print(text, end="")


def table(frame: pd.DataFrame) -> str:
    """Return the sweeps as a table."""
    own = float(frame.loc[frame["side"] == "tlx", "all_jobs_s"].iloc[0])
    is_whole = frame["jobs_run"] == JOBS
    shown = {
        "": frame["side"].map(SIDES),
        "jobs run": frame["jobs_run"].map(f"{{}} of {JOBS}".format),
        "wall (s)": frame["wall_s"].map("{:.1f}".format),
        f"all {JOBS} jobs (s)": [
            f"{seconds:.1f}" if whole else f"{seconds:.0f} (extrapolated)"
            for seconds, whole in zip(frame["all_jobs_s"], is_whole, strict=True)
        ],
        "its / tlx's": (frame["all_jobs_s"] / own).map("{:.1f}".format),
        "best test accuracy": frame["best_accuracy"].map("{:.3f}".format),
    }
    return markdown_table(pd.DataFrame(shown))


if __name__ == "__main__":
    main()
