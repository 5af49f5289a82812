"""A Parquet file as columns of the types it gives them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

UNREADABLE: Final = "unreadable"


def read_parquet(path: Path) -> pa.Table:
    """Return a file's columns.

    Raises:
        OSError: Where it cannot be read.
        ValueError: Where it is no Parquet file.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()


def columns_of(table: pa.Table) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a table as pandas has it, whole numbers kept whole, and each column's stored type.

    Columns that are neither numbers, text, dates nor true and false are empty in the frame, and
    their type starts with `UNREADABLE`.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    types: dict[str, str] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        columns[name], types[name] = _column(column)
    return pd.DataFrame(columns, index=range(table.num_rows)), types


def _column(column: pa.ChunkedArray) -> tuple[Any, str]:
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    stored = str(column.type)
    if kinds.is_decimal(column.type) or kinds.is_float16(column.type):
        column = column.cast(pa.float64())
    if kinds.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    if kinds.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz)).to_pandas(), stored
    if kinds.is_floating(column.type):
        return column.to_pandas(), stored
    if kinds.is_integer(column.type) or kinds.is_boolean(column.type):
        return column.to_pandas(types_mapper=_nullable().get), stored
    if kinds.is_string(column.type) or kinds.is_large_string(column.type):
        return np.array(column.to_pylist(), dtype=object), stored
    empty = np.full(len(column), None, dtype=object)
    return empty, stored if kinds.is_null(column.type) else f"{UNREADABLE} {stored}"


def _nullable() -> Mapping[Any, Any]:
    import pandas as pd
    import pyarrow as pa

    sizes = (8, 16, 32, 64)
    signed = {getattr(pa, f"int{n}")(): getattr(pd, f"Int{n}Dtype")() for n in sizes}
    unsigned = {getattr(pa, f"uint{n}")(): getattr(pd, f"UInt{n}Dtype")() for n in sizes}
    return signed | unsigned | {pa.bool_(): pd.BooleanDtype()}
