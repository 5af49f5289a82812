"""How time and memory grow with images, epochs and jobs.

python -m experiments.benchmarks.growth
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.benchmarks.growth.figure import growth_figure
from experiments.benchmarks.growth.measure import measure
from experiments.benchmarks.growth.points import FACTORS, Point, points
from experiments.benchmarks.machine import machine_words
from experiments.benchmarks.made_up.weights import write_weights
from tlx.reports.across_seeds import markdown_table
from tlx.runs.atomic import atomic_path, write_text

RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, draw its picture and print its table."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.growth")
    parser.add_argument("--images", type=int, default=1000, help="the fewest training images")
    parser.add_argument("--epochs", type=int, default=5, help="the fewest epochs")
    parser.add_argument("--jobs", type=int, default=4, help="the fewest jobs, an even number")
    parser.add_argument("--slots", type=int, default=2, help="threads, and jobs at a time on Spark")
    parser.add_argument("--kinds", nargs="+", choices=FACTORS, default=list(FACTORS))
    parser.add_argument("--largest", type=int, default=16, help="leave larger factors out")
    parser.add_argument("--record", type=Path, default=RECORD, help="where the numbers go (CSV)")
    given = parser.parse_args(arguments)
    asked = [
        point
        for point in points(given.images, given.epochs, given.jobs)
        if point.kind in given.kinds and point.factor <= given.largest
    ]
    frame = measured(asked, given.slots)
    given.record.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(given.record) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4f")
    growth_figure(frame, given.record.with_name("growth.png"))
    text = f"{table(frame)}\n{machine_words()}\n"
    write_text(given.record.with_suffix(".md"), text)
    print(text, end="")


def measured(asked: Sequence[Point], slots: int) -> pd.DataFrame:
    """Measure points one after the other.

    Returns:
        One row per point: what it is, its `size`, and what `measure` tells.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="tlx-benchmark-") as name:
        folder = Path(name)
        weights = write_weights("resnet18", folder / "resnet18.pth")
        for number, point in enumerate(asked):
            sizes = {"images": point.images, "epochs": point.epochs}
            told = measure(point, weights, slots, folder / str(number))
            size = {"size": sizes.get(point.kind, point.jobs)}
            rows.append(vars(point) | size | told)
            said = f"{point.kind} x{point.factor}: {told['seconds']:.1f} s"
            print(said, file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def table(frame: pd.DataFrame) -> str:
    """Return the points as a table, each beside the smallest of its kind."""
    first = frame.groupby("kind")[["seconds", "peak_mb"]].transform("first")
    shown = {
        "what grows": frame["kind"],
        "size": frame["size"],
        "times the smallest": frame["factor"],
        "time (s)": frame["seconds"].map("{:.1f}".format),
        "times its time": (frame["seconds"] / first["seconds"]).map("{:.2f}".format),
        "peak memory (MB)": frame["peak_mb"].map("{:.0f}".format),
        "times its memory": (frame["peak_mb"] / first["peak_mb"]).map("{:.2f}".format),
    }
    return markdown_table(pd.DataFrame(shown))


if __name__ == "__main__":
    main()
