"""Letters -> digits: every strategy from model A beside the same structure from scratch.

    python -m experiments.digits_fewshot

trains 6 configurations x 5 seeds with 10 labels per class and prints the table of the README. All
share one recipe; since a network from scratch may want another learning rate than one that starts
from A, the full network from scratch is trained at three more, and the one that is best on
validation is reported too. Runs that are complete are not trained again, so an interrupted
experiment goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tlx.config.composition import compose_config
from tlx.reports.across_seeds import markdown_table, mean_and_spread, mean_with_spread
from tlx.runs.atomic import atomic_path, write_text
from tlx.runs.result import read_result
from tlx.train import resume, train

STRATEGIES = ("feature_extraction", "partial", "structure_reuse")
SCRATCH = {
    "feature_extraction": ("backbone.weights=null",),
    "partial": ("backbone.weights=null",),
    "structure_reuse": ("strategy.init=scratch",),
}
SCRATCH_RATES = ("1e-3", "4e-3", "8e-3")
SEEDS = (0, 1, 2, 3, 4)
RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the experiment and print its table."""
    parser = argparse.ArgumentParser(prog="python -m experiments.digits_fewshot")
    parser.add_argument("--output", type=Path, default=Path("outputs/digits_fewshot"))
    parser.add_argument("--record", type=Path, default=RECORD, help="where the numbers go (CSV)")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("overrides", nargs="*", help="overrides for every run")
    given = parser.parse_args(arguments)
    configurations = [(s, source, None) for s in STRATEGIES for source in ("model A", "scratch")]
    configurations += [("structure_reuse", "scratch", rate) for rate in SCRATCH_RATES]
    rows = [
        run_once(given.output, *configuration, seed, given.overrides)
        for seed in given.seeds
        for configuration in configurations
    ]
    frame = pd.DataFrame(rows)
    with atomic_path(given.record) as temporary:
        frame.to_csv(temporary, index=False)
    report = f"{markdown_table(comparison(frame))}\n{tuned_scratch(frame)}"
    write_text(given.record.with_suffix(".md"), report + "\n")
    print(report)


def run_once(
    output: Path,
    strategy: str,
    source: str,
    learning_rate: str | None,
    seed: int,
    overrides: Sequence[str],
) -> dict[str, object]:
    """Train one configuration, or read its result where it is complete."""
    rate = [f"optimizer.lr={learning_rate}"] if learning_rate else []
    name = "-".join([strategy, source.replace(" ", "_"), learning_rate or "default", str(seed)])
    folder = output / name
    weights = SCRATCH[strategy] if source == "scratch" else ()
    config = [f"strategy={strategy}", f"seed={seed}", *weights, *rate, *overrides]
    if not (folder / "result.json").exists():
        train(compose_config(config), folder)
    elif read_result(folder).status != "completed":
        resume(folder)
    result = read_result(folder)
    logging.getLogger(__name__).info("%s: %.4f", folder, result.metrics["test"]["accuracy"])
    return {
        "strategy": strategy,
        "source": source,
        "learning_rate": learning_rate or "default",
        "seed": seed,
        "test_accuracy": result.metrics["test"]["accuracy"],
        "val_accuracy": result.metrics["val"]["accuracy"],
        "trained_parameters": result.parameters["trained"],
        "fit_seconds": result.seconds["fit"],
    }


def comparison(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per strategy: accuracy from A and from scratch, and the paired gain."""
    rows = []
    shared = frame[frame["learning_rate"] == "default"]
    for strategy, runs in shared.groupby("strategy", sort=False):
        by_source = runs.pivot_table(index="seed", columns="source", values="test_accuracy")
        gain = by_source["model A"] - by_source["scratch"]
        rows.append(
            {
                "strategy": strategy,
                "from A": mean_with_spread(*mean_and_spread(by_source["model A"])),
                "from scratch": mean_with_spread(*mean_and_spread(by_source["scratch"])),
                "gain": mean_with_spread(*mean_and_spread(gain)),
                "trained": f"{runs['trained_parameters'].iloc[0]:,}",
            }
        )
    return pd.DataFrame(rows)


def tuned_scratch(frame: pd.DataFrame) -> str:
    """Return the accuracy from scratch at the learning rate which is best on validation."""
    scratch = frame[(frame["strategy"] == "structure_reuse") & (frame["source"] == "scratch")]
    rate = str(scratch.groupby("learning_rate")["val_accuracy"].mean().idxmax())
    accuracy = scratch[scratch["learning_rate"] == rate]["test_accuracy"]
    score = mean_with_spread(*mean_and_spread(accuracy))
    return f"From scratch at its best learning rate on validation ({rate}): {score}"


if __name__ == "__main__":
    main()
