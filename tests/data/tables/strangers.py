"""Tables as strangers have them: 240 rows that two columns tell apart, written in odd ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS = 240


def stranger(**columns: Any) -> pd.DataFrame:
    """Return a table of text with a number, a class that goes with it, and more columns."""
    generator = np.random.default_rng(0)
    classes = np.arange(ROWS) % 3
    numbers = (classes + generator.normal(0, 0.2, ROWS)).round(3)
    frame = pd.DataFrame({"a": [f"{number:.3f}" for number in numbers]})
    for name, values in columns.items():
        frame[name] = values
    frame["label"] = np.array(["x", "y", "z"])[classes]
    return frame


def numbers(seed: int = 1) -> list[str]:
    """Return numbers with two decimals, as text."""
    return [f"{value:.2f}" for value in np.random.default_rng(seed).normal(50, 10, ROWS)]


def among(texts: list[str], **cells: str) -> list[str]:
    """Return texts with some cells replaced: `row_101="n.d."`."""
    changed = list(texts)
    for name, text in cells.items():
        changed[int(name.removeprefix("row_")) - 1] = text
    return changed


def written_text(folder: Path, text: str | bytes, name: str = "t.csv") -> str:
    """Write a file byte by byte and return its path."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)
