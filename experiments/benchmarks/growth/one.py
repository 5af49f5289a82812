"""One measurement in a process of its own: a run alone, or a bank of jobs without Spark.

python -m experiments.benchmarks.growth.one FOLDER OVERRIDE... -- optimizer.lr=1e-3,2e-3
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from tlx.runs.atomic import write_json

MEASURED_FILE = "measured.json"


def main(arguments: Sequence[str]) -> None:
    """Run what the command line says, and write the seconds that it took, imports left out."""
    import pytorch_lightning  # noqa: F401 - imports are no part of the time

    from experiments.benchmarks.made_up.images import CONFIG_DIR
    from tlx.config.composition import compose_config
    from tlx.config.head_bank import run_bank
    from tlx.train import train
    from tlx.training import evaluation, fit  # noqa: F401

    folder = Path(arguments[0])
    middle = list(arguments).index("--")
    fixed, swept = list(arguments[1:middle]), [_values(text) for text in arguments[middle + 1 :]]
    began = time.perf_counter()
    if swept:
        configs = [compose_config([*fixed, *job]) for job in product(*swept)]
        ended = run_bank(
            configs,
            [folder / str(i) for i in range(len(configs))],
            [""] * len(configs),
            [CONFIG_DIR],
        )
        failed = [outcome.error for outcome in ended if outcome.error is not None]
        if failed:
            raise failed[0]
    else:
        train(compose_config(fixed), folder / "run", config_dirs=[CONFIG_DIR])
    write_json(folder / MEASURED_FILE, {"seconds": time.perf_counter() - began})


def _values(text: str) -> list[str]:
    name, _, values = text.partition("=")
    return [f"{name}={value}" for value in values.split(",")]


if __name__ == "__main__":
    main(sys.argv[1:])
