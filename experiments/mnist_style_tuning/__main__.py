"""Tuned hyper-parameters beside the defaults, on digits, every sweep with the Spark launcher.

    python -m experiments.mnist_style_tuning

Four parts, each a sweep of `tlx.train`: the search (learning rate x trained stages, chosen on
validation), default against tuned on test over further seeds, learning rate x layer width, and one
sweep timed with 1, 2, ... slots. What is complete is not trained again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.mnist_style_tuning.choices import (
    DEFAULTS,
    SEARCHED,
    TASK,
    WIDTHS,
    best_of,
    comparison,
    overrides_of,
    relative_error_drop,
    width_means,
    with_setting,
)
from experiments.mnist_style_tuning.figures import draw_sensitivity, draw_wall_time
from experiments.mnist_style_tuning.sweeps import run_sweep, timed_sweep
from tlx.reports.across_seeds import markdown_table
from tlx.reports.figures import write_png
from tlx.runs.atomic import atomic_path, write_text

PARTIAL = ("strategy=partial", "trainer.epochs=5", *TASK)
GRID = ("optimizer.lr=1e-3,2e-3,4e-3,8e-3", "strategy.train_stages=1,2,4")
SCRATCH = (
    *("strategy=structure_reuse", "strategy.init=scratch", "backbone.weights=null"),
    *("backbone.transforms=glyphs_shufflenet_v2_x1_0", "backbone.image_size=32"),
    *("trainer.epochs=6", *TASK),
)
RATES = "optimizer.lr=1e-3,2e-3,4e-3,8e-3,1.6e-2"
TIMED = ("trainer.epochs=2", "seed=0,1,2,3,4,5", *PARTIAL[:1], *TASK)
RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the experiment, write its record and pictures, and print its tables."""
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(prog="python -m experiments.mnist_style_tuning")
    parser.add_argument("--slots", type=int, default=cores, help="jobs at a time")
    parser.add_argument("--timed-slots", type=int, nargs="+", default=range(1, min(cores, 4) + 1))
    parser.add_argument("--output", type=Path, default=Path("outputs/mnist_style_tuning"))
    parser.add_argument("--record", type=Path, default=RECORD, help="where the numbers go (CSV)")
    parser.add_argument("overrides", nargs="*", help="overrides for every run")
    given = parser.parse_args(arguments)
    given.record.parent.mkdir(parents=True, exist_ok=True)
    search, final, text = tune(given)
    widths = compare_widths(given)
    parts = {"search": search, "final": final, "widths": widths}
    frame = pd.concat([part.assign(part=name) for name, part in parts.items()])
    kept = ["part", "backbone", *SEARCHED, "seed", "val_accuracy", "test_accuracy", "seconds"]
    save(given.record, frame[kept])
    write_png(draw_sensitivity(width_means(widths)), given.record.with_name("widths.png"))
    report = f"{text}\n\n{width_table(widths)}"
    write_text(given.record.with_suffix(".md"), report + "\n")
    timings = time_slots(given)
    save(given.record.with_name("slots.csv"), timings)
    write_png(draw_wall_time(timings), given.record.with_name("slots.png"))
    report = f"{report}\n\n{markdown_table(timings, digits=1)}"
    write_text(given.record.with_suffix(".md"), report + "\n")
    print(report)


def tune(given: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Search on validation, and compare the choice with the defaults on test.

    Returns:
        The table of the search, the table of the final runs, and the report.
    """
    asked = [*PARTIAL, *GRID, "seed=0,1", *given.overrides]
    search = run_sweep(given.output / "search", given.slots, asked)
    best = best_of(search)
    finals = []
    for name, setting in (("default", DEFAULTS), ("tuned", best)):
        asked = [*PARTIAL, *overrides_of(setting), "seed=10,11,12,13,14", *given.overrides]
        finals.append(run_sweep(given.output / f"final-{name}", given.slots, asked))
    default, tuned = finals
    drop = relative_error_drop(default, tuned)
    wins = tuned["test_accuracy"].to_numpy() - default["test_accuracy"].to_numpy()
    text = (
        f"{markdown_table(comparison(default, tuned))}\n"
        f"Relative change of the test error: {-drop:+.0%}; "
        f"better in {(wins > 0).sum()} of {len(wins)} seeds. "
        f"Validation accuracy in the search: default {_val(search, DEFAULTS):.4f}, "
        f"chosen {_val(search, best):.4f}."
    )
    return search, pd.concat(finals), text


def compare_widths(given: argparse.Namespace) -> pd.DataFrame:
    """Train every width from scratch at every learning rate."""
    names = ",".join(WIDTHS)
    chosen = [f"backbone.name={names}", RATES, "seed=0", *SCRATCH, *given.overrides]
    frame = run_sweep(given.output / "widths", given.slots, chosen)
    return frame.rename(columns={"backbone.name": "backbone"})


def time_slots(given: argparse.Namespace) -> pd.DataFrame:
    """Run the same six jobs with each number of slots."""
    asked = [*TIMED, *given.overrides]
    rows = [timed_sweep(given.output / f"slots-{n}", n, asked) for n in given.timed_slots]
    frame = pd.DataFrame(rows).astype({"slots": int, "jobs": int})
    return frame.assign(speedup=frame["jobs_s"].iloc[0] / frame["jobs_s"])


def width_table(frame: pd.DataFrame) -> str:
    """Return the test accuracies, one row per learning rate, one column per width."""
    means = width_means(frame)
    table = means.pivot(index="learning_rate", columns="width", values="test_accuracy")
    table.columns = pd.Index([f"{width:g} x width" for width in table.columns])
    rates = [f"{rate:g}" for rate in table.index]
    table.insert(0, "learning rate", pd.Series(rates, index=table.index))
    return markdown_table(table)


def save(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV, at once or not at all."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.6g")


def _val(frame: pd.DataFrame, setting: dict[str, float | int]) -> float:
    return float(with_setting(frame, setting)["val_accuracy"].mean())


if __name__ == "__main__":
    main()
