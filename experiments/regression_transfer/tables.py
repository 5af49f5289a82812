"""The two tables of the experiment: noisy points on two related curves.

    python -m experiments.regression_transfer.tables

writes `source.csv` and `target.csv` into this folder, as they are shipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlx.runs.atomic import atomic_path

FOLDER = Path(__file__).parent
ROWS = {"source": 400, "target": 100}
SEEDS = {"source": 0, "target": 1}
RANGE = 4.0
NOISE = 0.1


def source_curve(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the curve of the source task."""
    return np.sin(2 * x) + 0.3 * x


def target_curve(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the curve of the target task: another height, slope, phase and place."""
    return 1.5 * np.sin(2 * x + 0.4) - 0.2 * x + 1


CURVES = {"source": source_curve, "target": target_curve}


def table(name: str) -> pd.DataFrame:
    """Return the rows of a task.

    Args:
        name: `source` or `target`.
    """
    generator = np.random.default_rng(SEEDS[name])
    x = generator.uniform(-RANGE, RANGE, ROWS[name])
    y = CURVES[name](x) + generator.normal(0, NOISE, len(x))
    return pd.DataFrame({"x": x, "y": y}).round(4)


def main() -> None:
    """Write both tables."""
    for name in CURVES:
        with atomic_path(FOLDER / f"{name}.csv") as temporary:
            table(name).to_csv(temporary, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
