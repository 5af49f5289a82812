"""A column's cells as text, as numbers or as dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.tables.columns.dates import DAY_S, days_of
from tlx.data.tables.columns.numbers import number_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from tlx.data.tables.files.dialect import Dialect


def is_text(column: pd.Series[Any]) -> bool:
    """Return whether a column's cells are text."""
    return bool(column.dtype == object)


def texts_of(column: pd.Series[Any], dialect: Dialect) -> NDArray[Any]:
    """Return a column's cells as text, None where missing.

    Text is as written. Of a Parquet column of numbers, whole ones are written without a point.

    Returns:
        dtype object, shape (n,).
    """
    markers = frozenset(dialect.missing_markers)
    texts = np.empty(len(column), dtype=object)
    for place, (value, lacks) in enumerate(zip(column, column.isna(), strict=True)):
        if lacks:
            continue
        whole = isinstance(value, float) and value.is_integer()
        text = value if isinstance(value, str) else str(int(value)) if whole else str(value)
        if text.strip() not in markers:
            texts[place] = text
    return texts


def numbers_of(
    column: pd.Series[Any], dialect: Dialect, unit: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a column's numbers, NaN where missing, and which cells say something else.

    Args:
        column: The column.
        dialect: Names the marks in numbers, and what is missing.
        unit: What stands before or behind each number.

    Returns:
        float64 and bool, shape (n,) each.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_text(column):
        return _converted(column, dialect, lambda text: number_of(text, dialect, unit))
    filled: NDArray[np.bool_] = column.notna().to_numpy(dtype=bool)
    if is_bool_dtype(column) or not is_numeric_dtype(column) or unit:
        return np.full(len(column), np.nan), filled
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    return _without_marked(numbers, dialect), np.zeros(len(column), dtype=bool)


def days_in(
    column: pd.Series[Any], dialect: Dialect
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a column's dates as days since 1970-01-01, and which cells say something else.

    Returns:
        float64, NaN where missing, and bool, shape (n,) each.
    """
    import pandas as pd
    from pandas.api.types import is_datetime64_any_dtype

    if is_text(column):
        return _converted(column, dialect, lambda text: days_of(text, dialect))
    filled: NDArray[np.bool_] = column.notna().to_numpy(dtype=bool)
    if not is_datetime64_any_dtype(column):
        return np.full(len(column), np.nan), filled
    moments = pd.to_datetime(column, utc=True).dt.tz_localize(None)
    seconds = (moments - pd.Timestamp(0)).dt.total_seconds()
    return np.asarray(seconds, np.float64) / DAY_S, np.zeros(len(column), dtype=bool)


def _converted(
    column: pd.Series[Any], dialect: Dialect, convert: Callable[[str], float | None]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values = np.full(len(column), np.nan)
    wrong = np.zeros(len(column), dtype=bool)
    known: dict[str, float | None] = {}
    for place, text in enumerate(texts_of(column, dialect)):
        if text is None:
            continue
        if text not in known:
            known[text] = convert(text)
        value = known[text]
        if value is None:
            wrong[place] = True
        else:
            values[place] = value
    return _without_marked(values, dialect), wrong


def _without_marked(numbers: NDArray[np.float64], dialect: Dialect) -> NDArray[np.float64]:
    """Return numbers without those that stand for nothing, however they are written."""
    marked = [number_of(marker, dialect) for marker in dialect.missing_markers]
    values = [value for value in marked if value is not None]
    return np.where(np.isin(numbers, values), np.nan, numbers) if values else numbers
