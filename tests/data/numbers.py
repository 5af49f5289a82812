"""A small table with a number to predict: a smooth one of two columns, and a column of text."""

from __future__ import annotations

import numpy as np
import pandas as pd


def houses(rows: int = 120) -> pd.DataFrame:
    """Return houses: area, age, side of the street, noise, and a price in thousands."""
    generator = np.random.default_rng(0)
    area, age = generator.uniform(50, 200, rows), generator.uniform(0, 80, rows)
    side = generator.choice(["sun", "shade"], rows)
    price = 3 * area - 2 * age + 40 * (side == "sun") + generator.normal(0, 5, rows)
    columns = {"area": area, "age": age, "noise": generator.normal(0, 1, rows), "side": side}
    return pd.DataFrame(columns | {"price": price})
