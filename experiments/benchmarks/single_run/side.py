"""One side of the comparison in a process of its own.

python -m experiments.benchmarks.single_run.side floor '{"weights": "resnet18.pth"}' FILE
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.benchmarks.single_run.workload import Workload
from tlx.runs.atomic import write_json
from tlx.runs.run import peak_memory_mb


def main(arguments: Sequence[str]) -> None:
    """Measure a side and write what it tells."""
    side, work, output = arguments
    module = importlib.import_module(f"experiments.benchmarks.single_run.{side}_side")
    measured = module.measure(Workload.from_json(work))
    write_json(Path(output), measured | {"peak_mb": peak_memory_mb()})


if __name__ == "__main__":
    main(sys.argv[1:])
