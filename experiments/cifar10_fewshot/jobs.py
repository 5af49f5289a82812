"""The runs as jobs of a sweep, each an option of `experiment=` in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.cifar10_fewshot.methods import Amount, Method
from experiments.mnist_style_tuning.sweeps import run_sweep
from tlx.runs.atomic import write_text

GROUP = "fewshot"
# Fixed views, so that frozen stages see each image only so often, and what they make is kept.
VIEWS = 8
ROW = ("method", "labels", "seed", "lr")
SCORES = ("val_accuracy", "test_accuracy", "test_loss", "seconds")
# A machine with other work may take minutes to start Spark.
LAUNCHER = ("hydra.launcher.retry_failed=true", "hydra.launcher.start_timeout_s=300")


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
    def option(self) -> str:
        """The name of its option."""
        rate = "solved" if self.rate is None else f"{self.rate:g}"
        return f"{self.method.name.replace(' ', '_')}-{self.amount.labels}-{rate}"

    @property
    def key(self) -> tuple[str, int]:
        """What tells it apart in a sweep's table."""
        return f"{GROUP}/{self.option}", self.seed

    def config(self) -> dict[str, object]:
        """Return what its option says: all but the seed, which no option can set."""
        epochs = self.amount.epochs * self.method.lengthening
        augmentation = "none" if self.rate is None else "light"
        return {
            "defaults": [
                {"override /augmentation": augmentation},
                {"override /strategy": self.method.strategy},
                {"override /regularizer": self.method.regularizer},
            ],
            "augmentation": {} if self.rate is None else {"views": VIEWS},
            "strategy": dict(self.method.options),
            "data": {"train_per_class": self.amount.labels},
            "trainer": {"epochs": epochs, "batch_size": self.amount.batch_size},
            "optimizer": {} if self.rate is None else {"lr": self.rate},
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
    """Run what is not complete of some jobs, as one sweep on Spark, and return their results.

    A job is complete where the folder's table says so, by option and seed: later versions of the
    program do not repeat it.

    Args:
        jobs: What to run, every option with the same seeds.
        folder: The sweep's folder.
        slots: How many at a time.
        overrides: What all of them share.

    Returns:
        See `results`.

    Raises:
        TlxError: Where a job failed; the sweep's last lines tell.
    """
    done = completed(folder)
    waiting = [job for job in jobs if job.key not in done.index]
    if waiting:
        options = folder / "conf"
        for job in waiting:
            write_option(job, options)
        names = ",".join(dict.fromkeys(job.key[0] for job in waiting))
        seeds = ",".join(str(seed) for seed in sorted({job.seed for job in waiting}))
        ours = ["--config-dir", str(options), f"experiment={names}", f"seed={seeds}", *overrides]
        run_sweep(folder, slots, [*ours, *LAUNCHER])
    return results(jobs, folder)


def results(jobs: Sequence[Job], folder: Path) -> pd.DataFrame:
    """Return the complete ones of some jobs: `method`, `labels`, `seed`, `lr`, scores, seconds.

    Args:
        jobs: The jobs, in the order of the rows.
        folder: The sweep's folder.
    """
    done = completed(folder)
    shown = [job for job in jobs if job.key in done.index]
    rows = pd.DataFrame([job.row() for job in shown], columns=[*ROW])
    if not shown:
        return rows.reindex(columns=[*ROW, *SCORES])
    scores = done.reindex([job.key for job in shown])[[*SCORES]].reset_index(drop=True)
    return pd.concat([rows, scores], axis=1)


def completed(folder: Path) -> pd.DataFrame:
    """Return the complete jobs of a sweep's folder, the newest of each, by option and seed."""
    path = folder / "results.csv"
    if not path.is_file():
        return pd.DataFrame()
    table = pd.read_csv(path)
    table = table[table["status"] == "completed"]
    return table.drop_duplicates(["experiment", "seed"], keep="last").set_index(
        ["experiment", "seed"]
    )


def write_option(job: Job, folder: Path) -> None:
    """Write a job's option of `experiment=` (JSON is YAML too)."""
    path = folder / "experiment" / GROUP / f"{job.option}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f"# @package _global_\n{json.dumps(job.config(), indent=2)}\n")
