"""How long tlx takes to start, and how much of it is the import of torch and Lightning.

python -m experiments.benchmarks.cold_start
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.benchmarks.cold_start.commands import COMMANDS, IMPORTS, seconds_of
from experiments.benchmarks.machine import machine_words
from tlx.reports.across_seeds import markdown_table
from tlx.runs.atomic import atomic_path, write_text

RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.cold_start")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each command")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--record", type=Path, default=RECORD, help="where the numbers go (CSV)")
    given = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory(prefix="tlx-benchmark-") as folder:
        for repeat in range(-1, given.repeats):  # the first round fills the caches
            for name in given.commands:
                wall_s, cpu_s = seconds_of(name, Path(folder), given.threads)
                rows.append({"command": name, "repeat": repeat, "wall_s": wall_s, "cpu_s": cpu_s})
            print(f"round {repeat + 1} of {given.repeats}", file=sys.stderr, flush=True)
    frame = pd.DataFrame(row for row in rows if row["repeat"] >= 0)
    text = f"{table(frame)}\n{machine_words()}\n"
    given.record.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(given.record) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4f")
    write_text(given.record.with_suffix(".md"), text)
    print(text, end="")


def table(frame: pd.DataFrame) -> str:
    """Return the medians of each command as a table.

    Args:
        frame: One row per run: `command`, `wall_s`, `cpu_s`.
    """
    wall = frame.groupby("command", sort=False)["wall_s"]
    medians = frame.groupby("command", sort=False)[["wall_s", "cpu_s"]].median()
    imports = float(medians["wall_s"].get(IMPORTS, float("nan")))
    shown = {
        "command": medians.index,
        "wall, median (s)": medians["wall_s"].map("{:.2f}".format),
        "fastest to slowest (s)": [
            f"{a:.2f} to {b:.2f}" for a, b in zip(wall.min(), wall.max(), strict=True)
        ],
        "CPU, median (s)": medians["cpu_s"].map("{:.2f}".format),
        "beyond the imports (s)": (medians["wall_s"] - imports).map("{:.2f}".format),
    }
    return markdown_table(pd.DataFrame(shown))


if __name__ == "__main__":
    main()
