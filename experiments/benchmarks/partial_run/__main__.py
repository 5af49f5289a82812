"""10 epochs of the last stage and a head: tlx, plain Lightning, and the least it can cost.

python -m experiments.benchmarks.partial_run
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.benchmarks.single_run.comparison import compare
from experiments.benchmarks.single_run.workload import Workload

RECORD = Path(__file__).parent / "results.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its table."""
    compare(
        "experiments.benchmarks.partial_run",
        Workload(epochs=10, trains_last_stage=True),
        RECORD,
        arguments,
    )


if __name__ == "__main__":
    main()
