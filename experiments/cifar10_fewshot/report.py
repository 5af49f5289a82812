"""The choice of learning rates and the table of test accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from experiments.cifar10_fewshot.methods import METHODS, Method
from tlx.reports.across_seeds import mean_and_spread, mean_with_spread, seed_table


def best_rates(tuning: pd.DataFrame) -> dict[str, float]:
    """Return each method's learning rate with the best accuracy on the images of the choice.

    Between equals the lower loss decides.

    Args:
        tuning: One row per run: `method`, `lr`, `test_accuracy`, `test_loss`; the test images of
            these runs are those of the choice.
    """
    ordered = tuning.sort_values(["test_accuracy", "test_loss"], ascending=[False, True])
    first = ordered.drop_duplicates("method")
    return {str(name): float(rate) for name, rate in zip(first["method"], first["lr"], strict=True)}


def rates_of(methods: Sequence[Method], best: Mapping[str, float]) -> dict[str, float]:
    """Return the learning rate of each method that has one, its own choice or another's.

    Args:
        methods: The methods.
        best: See `best_rates`; of methods with one rate to take, that is taken.
    """
    given = {m.name: m.rates[0] for m in METHODS if len(m.rates) == 1} | dict(best)
    takes = {m.name: m.rate_of or m.name for m in methods if m.rates or m.rate_of}
    return {name: given[of] for name, of in takes.items()}


def summary(final: pd.DataFrame) -> pd.DataFrame:
    """Return mean and spread of the test accuracy.

    Args:
        final: One row per run: `method`, `labels`, `test_accuracy`.

    Returns:
        Columns `method`, `labels`, `mean`, `std` (sample standard deviation over the seeds) and
        others.
    """
    return seed_table(final, ["method", "labels"], "test_accuracy")


def table(final: pd.DataFrame, rates: dict[str, float]) -> pd.DataFrame:
    """Return one row per method with its accuracies by labels per class.

    Args:
        final: One row per run: `method`, `labels`, `seed`, `test_accuracy`; where a seed is
            missing, the cell stays empty.
        rates: The learning rates of those methods that have one.
    """
    rows = []
    for name, of_method in final.groupby("method", sort=False):
        family = next((m.family for m in METHODS if m.name == name), "")
        row = {"method": str(name), "what trains": family}
        row["learning rate"] = f"{rates[str(name)]:g}" if str(name) in rates else "none"
        for labels in sorted(set(final["labels"])):
            values = of_method.loc[of_method["labels"] == labels, "test_accuracy"].to_list()
            complete = len(values) == final["seed"].nunique()
            row[_column(labels)] = mean_with_spread(*mean_and_spread(values)) if complete else ""
        rows.append(row)
    return pd.DataFrame(rows)


def tuning_table(tuning: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies on the images of the choice, one row per method."""
    rows = []
    for name, runs in tuning.groupby("method", sort=False):
        ordered = runs.sort_values("lr")
        tried = [
            f"{r:g}: {a:.3f}" for r, a in zip(ordered["lr"], ordered["test_accuracy"], strict=True)
        ]
        rows.append({"method": str(name), "accuracy by learning rate": ", ".join(tried)})
    return pd.DataFrame(rows)


def _column(labels: int) -> str:
    return f"{labels} labels"
