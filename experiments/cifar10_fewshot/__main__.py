"""CIFAR-10: model A from six classes, then the other four with few labels, by every strategy.

    python -m experiments.cifar10_fewshot IMAGES

IMAGES is a folder with `train/<class>/` and `test/<class>/`, or a tar archive of that. Model A is
pretrained first; then each method's learning rate is chosen on images set apart for it, and all
methods are trained at 5, 20 and 100 labels per class. Every sweep runs on Spark. What is complete
is not trained again, so an interrupted experiment goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.cifar10_fewshot.figures import draw_accuracies
from experiments.cifar10_fewshot.images import Shares, Tables, image_folder, write_tables
from experiments.cifar10_fewshot.jobs import Job, results, run_jobs
from experiments.cifar10_fewshot.methods import (
    AMOUNTS,
    METHODS,
    SCRATCH,
    SEEDS,
    TUNED_AT,
    Method,
)
from experiments.cifar10_fewshot.report import (
    best_rates,
    rates_of,
    summary,
    table,
    tuning_table,
)
from tlx.config.typed.quoting import quoted
from tlx.reports.across_seeds import markdown_table
from tlx.reports.figures import write_png
from tlx.runs.atomic import atomic_path, write_text

SIDE = 48
VALIDATION_PER_CLASS = 20
RECORD = Path(__file__).parent / "results.csv"
TASK = (
    *("data=image_table", "data.split_column=split", "data.size=32", "data.overlap=drop"),
    *("trainer.precision=bf16-mixed", "trainer.channels_last=true"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the experiment, write its record and picture, and print its tables."""
    given = parser().parse_args(arguments)
    methods = [m for m in METHODS if given.methods is None or m.name in given.methods]
    folder = image_folder(given.images, given.output)
    tables = write_tables(folder, given.output, Shares())
    needs_a = given.only_source or any(m.name != SCRATCH for m in methods)
    weights = pretrained(folder, given.output / "source") if needs_a else None
    if given.only_source:
        return
    common = [
        *TASK,
        *model(weights),
        f"data.root={quoted(str(folder.absolute()))}",
        *given.overrides,
    ]
    tuning = tune(methods, tables, given, common)
    rates = rates_of(methods, best_rates(tuning))
    final = compare(methods, rates, tables, given, common)
    record(given.record, tuning, final)
    write_png(draw_accuracies(summary(final)), given.record.with_name("accuracy.png"))
    report = markdown_table(table(final, rates))
    if len(tuning):
        report += f"\n{markdown_table(tuning_table(tuning))}"
    write_text(given.record.with_suffix(".md"), report)
    print(report, end="")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m experiments.cifar10_fewshot")
    made.add_argument("images", type=Path, help="CIFAR-10 as image files: a folder or tar archive")
    made.add_argument("--slots", type=int, default=os.cpu_count() or 1, help="jobs at a time")
    made.add_argument("--output", type=Path, default=Path("outputs/cifar10_fewshot"))
    made.add_argument("--record", type=Path, default=RECORD, help="where the numbers go (CSV)")
    names = [method.name for method in METHODS]
    made.add_argument("--methods", nargs="+", choices=names, help="these only")
    made.add_argument("--labels", type=int, nargs="+", help="these numbers of labels only")
    made.add_argument("--only-source", action="store_true", help="pretrain model A, no more")
    made.add_argument(
        "--only-complete", action="store_true", help="show what is there, run nothing"
    )
    made.add_argument("--overrides", nargs="+", default=[], help="overrides for every run from A")
    return made


def pretrained(folder: Path, run: Path) -> Path:
    """Return the weights of model A, trained on the source classes where that is not done."""
    weights = run / "cifar10_resnet18.safetensors"
    if not weights.is_file():
        anew = (
            "experiment=cifar10_source",
            f"data.root={quoted(str(folder))}",
            f"hydra.run.dir={quoted(str(run))}",
        )
        asked = [f"resume={run}"] if (run / "checkpoints" / "last.ckpt").is_file() else anew
        subprocess.run([sys.executable, "-m", "tlx.pretrain", *asked], check=True)
    return weights


def model(weights: Path | None) -> list[str]:
    """Return the overrides that make a run start from model A, or from its structure alone."""
    path = "null" if weights is None else quoted(str(weights.absolute()))
    return ["backbone=resnet18", f"backbone.weights={path}", f"backbone.image_size={SIDE}"]


def tune(
    methods: Sequence[Method], tables: Tables, given: argparse.Namespace, common: Sequence[str]
) -> pd.DataFrame:
    """Train at each learning rate that the methods' choices are made from, on other images."""
    (amount,) = (amount for amount in AMOUNTS if amount.labels == TUNED_AT)
    asked = {method.rate_of for method in methods} | {method.name for method in methods}
    searched = [m for m in METHODS if m.name in asked and len(m.rates) > 1]
    jobs = [Job(m, amount, SEEDS[0], rate) for m in searched for rate in m.rates]
    data = [f"data.table={quoted(str(tables.dev.absolute()))}", validation(Shares().dev_train)]
    return perform(jobs, given, "tuning", [*common, *data])


def compare(
    methods: Sequence[Method],
    rates: dict[str, float],
    tables: Tables,
    given: argparse.Namespace,
    common: Sequence[str],
) -> pd.DataFrame:
    """Train every method at its learning rate, with each number of labels and each seed."""
    jobs = [
        Job(method, amount, seed, rates.get(method.name))
        for method in methods
        for amount in AMOUNTS
        if given.labels is None or amount.labels in given.labels
        for seed in SEEDS
    ]
    remaining = tables.training_per_class
    data = [f"data.table={quoted(str(tables.target.absolute()))}", validation(remaining)]
    return perform(jobs, given, "final", [*common, *data])


def perform(
    jobs: Sequence[Job], given: argparse.Namespace, part: str, overrides: Sequence[str]
) -> pd.DataFrame:
    """Run jobs in a part's folder, unless only what is complete is asked for."""
    folder = given.output / part
    if given.only_complete:
        return results(jobs, folder)
    return run_jobs(jobs, folder, given.slots, overrides)


def validation(images_per_class: int) -> str:
    """Return the override that sets validation images of each class apart."""
    return f"data.val_fraction={VALIDATION_PER_CLASS / images_per_class:.6g}"


def record(path: Path, tuning: pd.DataFrame, final: pd.DataFrame) -> None:
    """Write all runs as CSV, at once or not at all."""
    parts = {"tuning": tuning, "final": final}
    frame = pd.concat([runs.assign(part=name) for name, runs in parts.items() if len(runs)])
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
