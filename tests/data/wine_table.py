"""A small table of wines, with gaps, an outlier and a column of text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine

COLUMNS = ["alcohol", "malic_acid", "hue", "proline"]


def wines(*, gaps: bool = False) -> pd.DataFrame:
    """Return 178 wines: four numbers, a region that goes with the class, and the class."""
    frame: pd.DataFrame = load_wine(as_frame=True).frame
    generator = np.random.default_rng(0)
    table = frame[COLUMNS].copy()
    regions = generator.choice(["north", "south", "west"], len(table))
    table["region"] = np.where(generator.random(len(table)) < 0.5, "hill", regions)
    table["label"] = frame["target"].map({0: "barolo", 1: "grignolino", 2: "barbera"})
    if gaps:
        table.loc[generator.random(len(table)) < 0.1, "hue"] = np.nan
        table.loc[generator.random(len(table)) < 0.1, "region"] = None
        table.loc[5, "proline"] = np.inf
    return table


def written(folder: Path, table: pd.DataFrame, name: str = "wines.csv") -> str:
    """Write a table as CSV and return its path."""
    path = folder / name
    table.to_csv(path, index=False)
    return str(path)
