"""Texts in CSV files, which spreadsheets would take for formulas, and how they are read back.

A spreadsheet computes a cell that begins with `=`, `+`, `-` or `@`, whoever wrote it and quoted or
not. Such a text, unless it is a number, gets an apostrophe in front; numbers are never touched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

APOSTROPHE: Final = "'"
_FORMULA = re.compile(r"[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)", re.IGNORECASE)


def csv_cell(text: str) -> str:
    """Return a text as it is written into a CSV file; `text_of_cell` gives it back.

    Args:
        text: A cell of text, or a column's name.
    """
    return APOSTROPHE + text if _would_be_computed(text) else text


def text_of_cell(cell: str) -> str:
    """Return the text that `csv_cell` made a cell of."""
    is_marked = cell.startswith(APOSTROPHE) and _would_be_computed(cell[1:])
    return cell[1:] if is_marked else cell


def csv_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts and column names are CSV cells; all else stays.

    Args:
        table: Any table; missing values stay missing.
    """
    columns = {place: _cells(table.iloc[:, place]) for place in range(table.shape[1])}
    changed = table.copy()
    for place, column in columns.items():
        if column is not None:
            changed.isetitem(place, column.to_numpy())
    changed.columns = [_cell(name) for name in table.columns]
    return changed


def csv_table(table: pa.Table) -> pa.Table:
    """Return an Arrow table whose texts are CSV cells, with the same schema."""
    import pyarrow as pa

    columns = [
        pa.array([_cell(value) for value in column.to_pylist()], column.type)
        if pa.types.is_string(column.type)
        else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _would_be_computed(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None


def _cell(value: Any) -> Any:
    return csv_cell(value) if isinstance(value, str) else value


def _cells(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return a column of texts as cells, or None where it has none to change."""
    if column.dtype.kind in "biufcmM":
        return None
    changed = column.map(_cell, na_action="ignore")
    return None if changed.equals(column) else changed
