"""New rows of a table: its columns as a run's preparation wants them, and the rows that are bad."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tlx.data.table_columns import Cells, as_text, name_faults, read_table
from tlx.errors import Fault, TlxError

if TYPE_CHECKING:
    from tlx.data.table_preparation import Preparation


def read_rows(source: Path, learned: Preparation) -> pd.DataFrame:
    """Return a table that has every column of a preparation.

    Args:
        source: A CSV or Parquet file.
        learned: Names the columns.

    Raises:
        TlxError: Where it is no such table, or lacks a column.
    """
    frame = read_table(source)
    if isinstance(frame, Fault):
        raise TlxError(f"--input {source}: {frame.reason}. {frame.remedy}")
    faults = name_faults(frame, {"input": (*learned.numeric, *learned.categorical)})
    if faults:
        lacking = " ".join(f"No column {fault.value!r}: {fault.remedy}" for fault in faults)
        raise TlxError(f"--input {source} lacks columns that the run learned from. {lacking}")
    return frame


def cells_and_errors(frame: pd.DataFrame, learned: Preparation) -> tuple[Cells, dict[int, str]]:
    """Return rows as cells, and why some of them can have no answer, by position.

    Args:
        frame: Has every column of the preparation.
        learned: How rows become features.
    """
    errors: dict[int, str] = {}
    numbers = np.full((len(frame), len(learned.numeric)), np.nan)
    for place, name in enumerate(learned.numeric):
        column = frame[name]
        parsed = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        for row in np.flatnonzero(np.isnan(parsed) & column.notna().to_numpy()).tolist():
            text = str(column.iloc[row])
            errors.setdefault(row, f"column {name!r} has {text!r}, which is no number")
        numbers[:, place] = parsed
    categories = np.empty((len(frame), len(learned.categorical)), dtype=object)
    for place, name in enumerate(learned.categorical):
        categories[:, place] = as_text(frame[name])
        known = {None, *learned.categories[place]}
        unknown = [text not in known for text in categories[:, place]]
        if learned.unknown == "error":
            for row in np.flatnonzero(unknown).tolist():
                said = f"column {name!r} has {categories[row, place]!r}, which no training row has"
                errors.setdefault(row, said)
    cells = Cells(numbers, categories)
    if not learned.fills_in:
        for row in np.flatnonzero(cells.missing).tolist():
            errors.setdefault(row, "a value is missing or infinite, and the run fills none in")
    return cells, errors
