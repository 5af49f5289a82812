"""The columns of a table as numbers and categories, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.errors import Fault, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

PARQUET_SUFFIXES = (".parquet", ".pq")
MOST_CATEGORIES = 1000


@dataclass(frozen=True)
class Cells:
    """Some rows of a table.

    Args:
        numbers: float64, shape (n, numeric columns); NaN where missing, infinite as in the file.
        categories: Text or None where missing, dtype object, shape (n, categorical columns).
    """

    numbers: NDArray[np.float64]
    categories: NDArray[Any]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    def rows(self, positions: NDArray[Any]) -> Cells:
        """Return the rows at some positions, or those of a mask."""
        return Cells(self.numbers[positions], self.categories[positions])

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which rows lack a value, infinite ones included, shape (n,)."""
        no_number = ~np.isfinite(self.numbers).all(axis=1)
        empty = is_none(self.categories).any(axis=1)
        return np.asarray(no_number | empty, dtype=np.bool_)


def is_none(texts: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which entries are None, in the shape of the texts."""
    found: NDArray[np.bool_] = np.equal(texts, None, dtype=object).astype(bool)  # type: ignore[call-overload]
    return found


def read_table(path: Path) -> pd.DataFrame | Fault:
    """Return a CSV (with a header) or Parquet file as it is, or why it cannot be read."""
    if not path.is_file():
        remedy = f"Give the path of a CSV or Parquet file (looked for {path.absolute()})."
        return Fault("data.path", path, "there is no such file", remedy)
    stat = path.stat()
    return _read(path.absolute(), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int, size: int) -> pd.DataFrame | Fault:  # noqa: ARG001 - the key
    import pandas as pd

    try:
        if path.suffix.lower() in PARQUET_SUFFIXES:
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, low_memory=False)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        reason = f"it cannot be read as a table ({' '.join(str(error).split())})"
        return Fault("data.path", path, reason, "Give a CSV or Parquet file.")
    if frame.empty:
        return Fault("data.path", path, "it has no rows", "Add some.")
    frame.columns = [str(name) for name in frame.columns]
    return frame


def name_faults(frame: pd.DataFrame, asked: Mapping[str, Sequence[str]]) -> list[Fault]:
    """Return a fault for each column that a table lacks.

    Args:
        frame: The table.
        asked: Column names, by the option that names them.
    """
    return [
        Fault(f"data.{option}", name, "the table has no such column", _columns(name, frame))
        for option, names in asked.items()
        for name in names
        if name not in frame.columns
    ]


def _columns(name: str, frame: pd.DataFrame) -> str:
    return did_you_mean(name, list(frame.columns))


def columns_by_type(
    frame: pd.DataFrame,
    label_column: str,
    numeric: Sequence[str] | None,
    categorical: Sequence[str] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the numeric and the categorical columns.

    Where neither list is given, all columns but the label's are taken, by type: numbers are
    numeric, all else (text, true and false) is categorical. A list that is given is taken as it
    is; the other one then holds what its type says, of the rest.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    named = {label_column, *(numeric or ()), *(categorical or ())}
    rest = [name for name in frame.columns if name not in named]
    numbers = [n for n in rest if is_numeric_dtype(frame[n]) and not is_bool_dtype(frame[n])]
    others = [name for name in rest if name not in numbers]
    return (
        tuple(numbers if numeric is None else numeric),
        tuple(others if categorical is None else categorical),
    )


def cells_of(
    frame: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> Cells | list[Fault]:
    """Return the chosen columns as numbers and categories, or what is wrong with them."""
    import pandas as pd

    faults: list[Fault] = []
    numbers = np.full((len(frame), len(numeric)), np.nan)
    for place, name in enumerate(numeric):
        parsed = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = np.isnan(parsed) & frame[name].notna().to_numpy()
        if wrong.any():
            faults.append(_no_number(frame, name, int(wrong.argmax())))
        numbers[:, place] = parsed
    categories = np.empty((len(frame), len(categorical)), dtype=object)
    for place, name in enumerate(categorical):
        categories[:, place] = as_text(frame[name])
        faults += _category_faults(frame, name, categories[:, place])
    return faults or Cells(numbers, categories)


def _no_number(frame: pd.DataFrame, name: str, row: int) -> Fault:
    reason = f"the column has {str(frame[name].iloc[row])!r} in row {row + 1}, which is no number"
    return Fault("data.numeric", name, reason, "Correct the table, or list it in data.categorical.")


def _category_faults(frame: pd.DataFrame, name: str, texts: NDArray[Any]) -> list[Fault]:
    count = len({text for text in texts if text is not None})
    if count <= MOST_CATEGORIES:
        return []
    reason = f"the column has {count} different values in {len(frame)} rows"
    remedy = "Leave it out by listing the columns to use in data.numeric and data.categorical."
    return [Fault("data.categorical", name, reason, remedy)]


def as_text(column: pd.Series[Any]) -> NDArray[Any]:
    """Return the values of a column as text, None where missing.

    Whole numbers are written without a point, as pandas makes floats of them where one is missing.
    """
    texts = np.empty(len(column), dtype=object)
    for place, (value, lacks) in enumerate(zip(column, column.isna(), strict=True)):
        if lacks:
            continue
        whole = isinstance(value, float) and value.is_integer()
        texts[place] = str(int(value)) if whole else str(value)
    return texts


def missing_faults(cells: Cells, numeric: Sequence[str], categorical: Sequence[str]) -> list[Fault]:
    """Return a fault for each column that lacks values or has infinite ones."""
    remedy = "Choose data.missing=drop, mean, median or knn, or correct the table."
    faults = []
    for place, name in enumerate(numeric):
        column = cells.numbers[:, place]
        for what, found in (("missing", np.isnan(column)), ("infinite", np.isinf(column))):
            if found.any():
                faults.append(_lacking(name, what, found, remedy))
    for place, name in enumerate(categorical):
        found = is_none(cells.categories[:, place])
        if found.any():
            faults.append(_lacking(name, "missing", found, remedy))
    return faults


def _lacking(name: str, what: str, found: NDArray[np.bool_], remedy: str) -> Fault:
    count, row = int(found.sum()), int(found.argmax()) + 1
    values = "value" if count == 1 else "values"
    reason = f"column {name!r} has {count} {what} {values} (the first in row {row})"
    return Fault("data.missing", "error", reason, remedy)
