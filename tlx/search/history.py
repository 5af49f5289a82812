"""How far a running job has come, from the `metrics.csv` in its folder."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

METRICS_FILE = "metrics.csv"
STEP_COLUMN = "epoch"
log = logging.getLogger("tlx")


def read_history(folder: Path, metric: str) -> list[tuple[int, float]]:
    """Return the epochs so far with their metric; rows that are not whole are left out.

    Args:
        folder: The job's folder.
        metric: The column to read.

    Raises:
        KeyError: Where the file has no such column.
    """
    try:
        with (folder / METRICS_FILE).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = {STEP_COLUMN, metric} - set(reader.fieldnames or (STEP_COLUMN, metric))
            if missing:
                have = ", ".join(reader.fieldnames or ())
                raise KeyError(f"no column {', '.join(sorted(missing))}; it has {have}")
            return [pair for row in reader if (pair := _pair(row, metric)) is not None]
    except FileNotFoundError:
        return []


def _pair(row: dict[str, str | None], metric: str) -> tuple[int, float] | None:
    try:
        return int(float(row[STEP_COLUMN] or "")), float(row[metric] or "")
    except ValueError:
        return None
