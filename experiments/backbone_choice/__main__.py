"""Which small backbone to ship: each candidate briefly pretrained on letters, then moved to digits.

    python -m experiments.backbone_choice

A candidate must fit into 6 MB in half precision. Every one gets the same images, steps and recipe,
and is then judged on the *validation* digits (10 labels per class). What is complete is not run
again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tlx.config.composition import compose_config
from tlx.pretrain import write_source_model
from tlx.reports.across_seeds import markdown_table, mean_and_spread, mean_with_spread
from tlx.runs.atomic import atomic_path, write_text
from tlx.runs.result import Result, read_result
from tlx.train import resume, train

CANDIDATES = ("shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "squeezenet1_1", "mobilenet_v3_small")
STRATEGIES = ("feature_extraction", "partial")
SEEDS = (0, 1, 2)
RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison and print its table."""
    parser = argparse.ArgumentParser(prog="python -m experiments.backbone_choice")
    parser.add_argument("--output", type=Path, default=Path("outputs/backbone_choice"))
    parser.add_argument("--images", type=int, default=50_000, help="letters to pretrain on, once")
    parser.add_argument("overrides", nargs="*", help="overrides for every run")
    given = parser.parse_args(arguments)
    rows = [row for name in CANDIDATES for row in judge(name, given)]
    frame = pd.DataFrame(rows)
    with atomic_path(RECORD) as temporary:
        frame.to_csv(temporary, index=False)
    table = markdown_table(comparison(frame))
    write_text(RECORD.with_suffix(".md"), table + "\n")
    print(table)


def judge(name: str, given: argparse.Namespace) -> list[dict[str, object]]:
    """Pretrain one candidate and transfer it with every strategy and seed."""
    source = given.output / f"{name}-source"
    letters = [f"data.train_size={given.images}", "trainer.epochs=1"]
    pretrained = finished(
        source, ["experiment=pretrain", f"backbone={name}", *letters, *given.overrides]
    )
    weights = write_source_model(source)
    common = [f"backbone={name}", f"backbone.weights={weights}", *given.overrides]
    rows: list[dict[str, object]] = []
    for strategy in STRATEGIES:
        for seed in SEEDS:
            choice = [f"strategy={strategy}", f"seed={seed}"]
            result = finished(given.output / f"{name}-{strategy}-{seed}", [*common, *choice])
            rows.append(
                {
                    "backbone": name,
                    "megabytes": weights.stat().st_size / 1e6,
                    "pretraining_seconds": pretrained.seconds["fit"],
                    "letters_accuracy": pretrained.metrics["val"]["accuracy"],
                    "strategy": strategy,
                    "seed": seed,
                    "val_accuracy": result.metrics["val"]["accuracy"],
                    "test_accuracy": result.metrics["test"]["accuracy"],
                }
            )
    return rows


def finished(folder: Path, overrides: Sequence[str]) -> Result:
    """Return a run's result, training it first where that is not done."""
    if not (folder / "result.json").exists():
        train(compose_config(overrides), folder)
    elif read_result(folder).status != "completed":
        resume(folder)
    return read_result(folder)


def comparison(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per candidate: size, letters, and digits by strategy."""
    rows = []
    for name, runs in frame.groupby("backbone", sort=False):
        first = runs.iloc[0]
        row = {
            "backbone": name,
            "MB": f"{first['megabytes']:.1f}",
            "pretraining": f"{first['pretraining_seconds']:.0f} s",
            "letters": f"{first['letters_accuracy']:.3f}",
        }
        for strategy, of_strategy in runs.groupby("strategy", sort=False):
            spread = mean_and_spread(of_strategy["val_accuracy"])
            row[f"digits val, {strategy}"] = mean_with_spread(*spread)
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
