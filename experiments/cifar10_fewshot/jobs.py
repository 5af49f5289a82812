"""The runs as jobs of a sweep, each an option of `experiment=` in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.cifar10_fewshot.methods import Amount, Method
from experiments.mnist_style_tuning.sweeps import run_sweep
from tlx.runs.atomic import write_text

GROUP = "fewshot"


@dataclass(frozen=True)
class Job:
    """One run.

    Args:
        method: What is done.
        amount: With how many labels.
        seed: Seed of the split, the head and the order of batches.
        rate: Learning rate; None where the head is solved for.
    """

    method: Method
    amount: Amount
    seed: int
    rate: float | None

    @property
    def name(self) -> str:
        """The name of its option."""
        rate = "solved" if self.rate is None else f"{self.rate:g}"
        return f"{self.method.name.replace(' ', '_')}-{self.amount.labels}-{rate}-{self.seed}"

    def config(self) -> dict[str, object]:
        """Return what its option says."""
        epochs = self.amount.epochs * self.method.lengthening
        return {
            "defaults": [
                {"override /strategy": self.method.strategy},
                {"override /regularizer": self.method.regularizer},
            ],
            "strategy": dict(self.method.options),
            "data": {"train_per_class": self.amount.labels},
            "trainer": {"epochs": epochs, "batch_size": self.amount.batch_size},
            "optimizer": {} if self.rate is None else {"lr": self.rate},
            "seed": self.seed,
        }

    def row(self) -> dict[str, object]:
        """Return what tells it apart, for a table."""
        return {
            "method": self.method.name,
            "labels": self.amount.labels,
            "seed": self.seed,
            "lr": self.rate,
        }


def run_jobs(
    jobs: Sequence[Job], folder: Path, slots: int, overrides: Sequence[str]
) -> pd.DataFrame:
    """Run what is not complete of some jobs, as one sweep on Spark.

    A job is complete where the folder's table says so, by its name: later versions of the program
    do not repeat it.

    Args:
        jobs: What to run; each name once.
        folder: The sweep's folder.
        slots: How many at a time.
        overrides: What all of them share.

    Returns:
        One row per job: `method`, `labels`, `seed`, `lr`, accuracies and seconds.

    Raises:
        TlxError: Where a job failed; the sweep's last lines tell.
    """
    done = completed(folder)
    waiting = [job for job in jobs if job.name not in done.index]
    if waiting:
        options = folder / "conf"
        for job in waiting:
            write_option(job, options)
        asked = ",".join(f"{GROUP}/{job.name}" for job in waiting)
        ours = ["--config-dir", str(options), f"experiment={asked}", *overrides]
        run_sweep(folder, slots, [*ours, "hydra.launcher.retry_failed=true"])
        done = completed(folder)
    rows = [job.row() | _scores(done.loc[job.name].to_dict()) for job in jobs]
    return pd.DataFrame(rows)


def completed(folder: Path) -> pd.DataFrame:
    """Return the complete jobs of a sweep's folder, the newest of each name, by name."""
    path = folder / "results.csv"
    if not path.is_file():
        return pd.DataFrame()
    table = pd.read_csv(path)
    table = table[table["status"] == "completed"].drop_duplicates("experiment", keep="last")
    return table.set_index(table["experiment"].str.removeprefix(f"{GROUP}/"))


def write_option(job: Job, folder: Path) -> None:
    """Write a job's option of `experiment=` (JSON is YAML too)."""
    path = folder / "experiment" / GROUP / f"{job.name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f"# @package _global_\n{json.dumps(job.config(), indent=2)}\n")


def _scores(done: Mapping[str, object]) -> dict[str, object]:
    kept = ("val_accuracy", "test_accuracy", "test_loss", "seconds")
    return {name: done[name] for name in kept}
