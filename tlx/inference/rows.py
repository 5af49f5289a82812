"""New rows of a table, read as a run's training rows were, and the rows that are bad."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.tables.columns.choice import name_faults
from tlx.data.tables.columns.reading import read_cells, wrong_cell
from tlx.data.tables.columns.trouble import shown
from tlx.data.tables.files.table_file import read_table
from tlx.errors import Fault, TlxError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from tlx.data.tables.columns.reading import Reading
    from tlx.data.tables.features.preparation import Preparation
    from tlx.data.tables.features.values import Cells

MOST_NAMED = 3


def reading_of(learned: Preparation) -> Reading:
    """Return how the rows of a preparation are read."""
    assert learned.reading is not None, "a preparation of a file has one"
    return learned.reading


def read_rows(source: Path, learned: Preparation) -> pd.DataFrame:
    """Return a table that has every column of a preparation, read by its dialect.

    Args:
        source: A CSV or Parquet file, or a folder of parts.
        learned: Names the columns.

    Raises:
        TlxError: Where it is no such table, or lacks a column.
    """
    table = read_table(source, reading_of(learned).dialect, "--input")
    if isinstance(table, Fault):
        where = "" if table.key == "--input" else f" ({table.key}={table.value})"
        raise TlxError(f"--input {source}{where}: {table.reason}. {_remedy(table)}")
    faults = name_faults(table, {"input": (*learned.numeric, *learned.categorical)})
    if faults:
        lacking = " ".join(f"No column {fault.value!r}: {fault.remedy}" for fault in faults)
        raise TlxError(f"--input {source} lacks columns that the run learned from. {lacking}")
    return table.frame


def _remedy(fault: Fault) -> str:
    """Return a remedy for a file that is read as an earlier one was, whatever options say."""
    if fault.key in ("data.separator", "data.encoding"):
        return f"Write it as the run's own table is: {fault.key.partition('.')[2]} {fault.value}."
    return fault.remedy


def cells_and_errors(frame: pd.DataFrame, learned: Preparation) -> tuple[Cells, dict[int, str]]:
    """Return rows as cells, and why some of them can have no prediction, by position.

    Args:
        frame: Has every column of the preparation.
        learned: How rows become features.
    """
    reading = reading_of(learned)
    read = read_cells(frame, reading)
    errors: dict[int, str] = {}
    for name, wrong in read.wrong.items():
        for row in np.flatnonzero(wrong).tolist():
            said = wrong_cell(reading.of(name), frame[name].iloc[row], reading.dialect)
            errors.setdefault(row, f"column {name!r} has {said}")
    if learned.unknown == "error":
        for place, name in enumerate(learned.categorical):
            texts = read.cells.categories[:, place]
            for row in np.flatnonzero(_unseen(texts, learned.categories[place])).tolist():
                said = f"column {name!r} has {texts[row]!r}, which no training row has"
                errors.setdefault(row, said)
    if not learned.fills_in:
        for row in np.flatnonzero(read.cells.missing).tolist():
            errors.setdefault(row, "a value is missing or infinite, and the run fills none in")
    return read.cells, errors


def unseen_lines(frame: pd.DataFrame, learned: Preparation) -> list[str]:
    """Return a line for each column with categories that no training row has.

    Args:
        frame: Has every column of the preparation.
        learned: Knows the categories.
    """
    cells = read_cells(frame, reading_of(learned)).cells
    lines = []
    for place, name in enumerate(learned.categorical):
        texts = cells.categories[:, place]
        found = texts[_unseen(texts, learned.categories[place])]
        if len(found):
            names = list(dict.fromkeys(found.tolist()))
            named = ", ".join(repr(shown(text)) for text in names[:MOST_NAMED])
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            lines.append(
                f"column {shown(name)!r}: {len(found)} of {len(texts)} rows have categories that "
                f"no training row has: {named}{more}"
            )
    return lines


def _unseen(texts: NDArray[Any], known: tuple[str, ...]) -> NDArray[np.bool_]:
    familiar = {None, *known}
    return np.array([text not in familiar for text in texts], dtype=bool)
