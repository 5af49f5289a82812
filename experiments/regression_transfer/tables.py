"""The two tables of the experiment: noisy points on two related curves.

    python -m experiments.regression_transfer.tables

writes `source_curve.csv` and `target_curve.csv` among the tables that come with tlx.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlx.data.tables.shipped_tables import SHIPPED_TABLES
from tlx.runs.atomic import atomic_path

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
        with atomic_path(SHIPPED_TABLES / f"{name}_curve.csv") as temporary:
            table(name).to_csv(temporary, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
