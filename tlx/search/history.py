"""How far a running job has come, from the `metrics.csv` in its folder."""

from __future__ import annotations

from pathlib import Path

from tlx.runs.history_file import history_rows

STEP_COLUMN = "epoch"


def read_history(folder: Path, metric: str) -> list[tuple[int, float]]:
    """Return the epochs so far with their metric; rows that are not whole are left out.

    Args:
        folder: The job's folder.
        metric: The column to read.

    Raises:
        KeyError: Where the file has no such column.
        DamagedFileError: Where it is no table.
    """
    try:
        columns, rows = history_rows(folder)
    except FileNotFoundError:
        return []
    missing = {STEP_COLUMN, metric} - set(columns or (STEP_COLUMN, metric))
    if missing:
        raise KeyError(f"no column {', '.join(sorted(missing))}; it has {', '.join(columns)}")
    return [pair for row in rows if (pair := _pair(row, metric)) is not None]


def _pair(row: dict[str, str], metric: str) -> tuple[int, float] | None:
    try:
        return int(float(row.get(STEP_COLUMN, ""))), float(row.get(metric, ""))
    except (ValueError, OverflowError):
        return None
