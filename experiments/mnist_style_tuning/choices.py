"""What is searched, and how the best of it is chosen and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tlx.reports.across_seeds import mean_and_spread, mean_with_spread

# One split for all runs, so that no test image has a part in the choice.
TASK = ("data.train_per_class=50", "data.val_per_class=30", "data.seed=0")
SEARCHED = ("optimizer.lr", "strategy.train_stages")
DEFAULTS = {"optimizer.lr": 2e-3, "strategy.train_stages": 2}
WIDTHS = {"shufflenet_v2_x0_5": 0.5, "shufflenet_v2_x1_0": 1.0, "shufflenet_v2_x1_5": 1.5}


def best_of(frame: pd.DataFrame, by: Sequence[str] = SEARCHED) -> dict[str, float | int]:
    """Return the setting with the highest mean validation accuracy over its seeds.

    The lower validation loss decides between equals, which few images make frequent.

    Args:
        frame: One row per run: the columns of `by`, `val_accuracy`, `val_loss`.
        by: What tells settings apart.
    """
    means = frame.groupby(list(by))[["val_accuracy", "val_loss"]].mean().reset_index()
    first = means.sort_values(["val_accuracy", "val_loss"], ascending=[False, True]).iloc[0]
    return {name: means[name].dtype.type(first[name]).item() for name in by}


def overrides_of(setting: Mapping[str, float | int]) -> list[str]:
    """Return a setting as overrides."""
    return [f"{name}={value}" for name, value in setting.items()]


def with_setting(frame: pd.DataFrame, setting: Mapping[str, float | int]) -> pd.DataFrame:
    """Return the runs with a setting."""
    chosen = pd.Series(True, index=frame.index)
    for name, value in setting.items():
        chosen &= frame[name] == value
    return frame[chosen]


def comparison(default: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """Return one row for the defaults and one for the tuned setting.

    Args:
        default: One row per seed, with `test_accuracy` and `val_accuracy`.
        tuned: The same, with the same seeds.
    """
    rows = []
    for name, runs in (("default", default), ("tuned", tuned)):
        test = mean_and_spread(runs["test_accuracy"].to_list())
        row = {"hyper-parameters": name}
        row |= {key.rpartition(".")[2]: f"{runs[key].iloc[0]:g}" for key in SEARCHED}
        row |= {"test accuracy": mean_with_spread(*test, digits=4)}
        rows.append(row | {"test error": f"{1 - test[0]:.2%}"})
    return pd.DataFrame(rows)


def relative_error_drop(default: pd.DataFrame, tuned: pd.DataFrame) -> float:
    """Return the share of the default's test error that tuning takes away."""
    before, after = (1 - float(runs["test_accuracy"].mean()) for runs in (default, tuned))
    return (before - after) / before


def width_means(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `width`, `learning_rate` and the mean `test_accuracy` over seeds, with its spread."""
    runs = frame.assign(width=frame["backbone"].map(WIDTHS), learning_rate=frame["optimizer.lr"])
    groups = runs.groupby(["width", "learning_rate"])["test_accuracy"]
    summary = groups.agg(["mean", "std"]).reset_index()
    return summary.rename(columns={"mean": "test_accuracy", "std": "spread"})
