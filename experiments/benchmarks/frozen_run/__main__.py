"""20 epochs of a head on a frozen trunk: tlx, plain Lightning, and the least it can cost.

python -m experiments.benchmarks.frozen_run
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.benchmarks.single_run.comparison import compare
from experiments.benchmarks.single_run.workload import Workload

RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its table."""
    compare("experiments.benchmarks.frozen_run", Workload(epochs=20), RECORD, arguments)


if __name__ == "__main__":
    main()
