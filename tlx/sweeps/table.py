"""The table of a sweep: one row per job, as CSV and Parquet."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.runs.atomic import atomic_path
from tlx.sweeps.overrides import Value, override_values
from tlx.sweeps.plain_values import as_float, is_number, plain_value, unicode_text
from tlx.sweeps.record import JobRecord
from tlx.texts.csv_cells import csv_frame

if TYPE_CHECKING:
    import pandas as pd

CSV_FILE = "results.csv"
PARQUET_FILE = "results.parquet"
FIRST_COLUMNS = ("number", "status")
LAST_COLUMNS = ("return_value", "seconds", "peak_memory_mb", "host", "attempt", "error")

_INT64_LIMIT = 2**63
log = logging.getLogger("tlx")


def override_column(key: str) -> str:
    """Return the column of an override: its key, marked where a fixed column has that name."""
    return f"override.{key}" if key in (*FIRST_COLUMNS, *LAST_COLUMNS) else key


def override_columns(records: Sequence[JobRecord]) -> list[dict[str, Value]]:
    """Return each job's overrides by the names of their columns."""
    jobs = [override_values(record.overrides) for record in records]
    return [{override_column(key): value for key, value in job.items()} for job in jobs]


def metric_columns(records: Sequence[JobRecord]) -> dict[str, str]:
    """Return the column of every metric that a job has: its name, marked where that is taken."""
    taken = {*FIRST_COLUMNS, *LAST_COLUMNS}
    taken |= {column for job in override_columns(records) for column in job}
    names = {name: None for record in records for name in record.metrics}
    return {name: f"metric.{name}" if name in taken else name for name in names}


def results_table(records: Sequence[JobRecord]) -> pd.DataFrame:
    """Return a sweep as a table.

    Args:
        records: Its jobs.

    Returns:
        One row per job in the order given: `number`, `status`, a column per override key, a
        column per metric (both in order of first appearance), `return_value` (numbers, or JSON
        where one is none), `seconds`, `peak_memory_mb`, `host`, `attempt`, `error` (one line).
        What a job does not have is missing. An override or metric named like one of these
        columns gets the prefix `override.` or `metric.`.
    """
    import pandas as pd

    overrides = override_columns(records)
    metrics = metric_columns(records)
    columns: dict[str, Any] = {
        "number": _column([record.number for record in records]),
        "status": _column([record.status for record in records]),
    }
    for key in {key: None for job in overrides for key in job}:
        columns[key] = _column([job.get(key) for job in overrides])
    for name, column in metrics.items():
        values = [_float(record.metrics.get(name)) for record in records]
        columns[column] = pd.Series(values, dtype="float64")
    columns["return_value"] = _returned(records)
    for name in ("seconds", "peak_memory_mb"):
        values = [_float(getattr(record, name)) for record in records]
        columns[name] = pd.Series(values, dtype="float64")
    columns["host"] = _column([record.host for record in records])
    columns["attempt"] = _column([record.attempt for record in records])
    columns["error"] = _column([record.fault for record in records])
    return pd.DataFrame(columns)


def write_table(folder: Path, records: Sequence[JobRecord]) -> None:
    """Write a sweep's `results.csv` and `results.parquet`, each atomically.

    In the CSV a text that a spreadsheet would compute has an apostrophe in front
    (`tlx.texts.csv_cells`). Without the package pyarrow there is no `results.parquet`; the log
    says so once.

    Args:
        folder: The sweep's folder.
        records: Its jobs.
    """
    table = results_table(records)
    with atomic_path(folder / CSV_FILE) as temporary:
        csv_frame(table).to_csv(temporary, index=False, lineterminator="\n")
    if _has_pyarrow():
        with atomic_path(folder / PARQUET_FILE) as temporary:
            table.to_parquet(temporary, index=False, engine="pyarrow")


@cache
def _has_pyarrow() -> bool:
    found = find_spec("pyarrow") is not None
    if not found:
        log.info(
            "%s is not written: the package pyarrow is missing. Install it with "
            "pip install pyarrow, or use %s.",
            PARQUET_FILE,
            CSV_FILE,
        )
    return found


def _returned(records: Sequence[JobRecord]) -> pd.Series[Any]:
    """Return what the jobs returned: numbers, or JSON text where one returned anything else."""
    import pandas as pd

    values = [plain_value(record.return_value) for record in records]
    if all(value is None or is_number(value) for value in values):
        return pd.Series([_float(value) for value in values], dtype="float64")
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    return _column(texts)


def _column(values: Sequence[Any]) -> pd.Series[Any]:
    """Return values as a column of one type; those of several types become text."""
    import pandas as pd

    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean")
    if kinds == {int} and all(-_INT64_LIMIT <= value < _INT64_LIMIT for value in present):
        return pd.Series(values, dtype="Int64")
    if kinds in ({float}, {int, float}):
        return pd.Series([_float(value) for value in values], dtype="float64")
    texts = [None if value is None else unicode_text(str(value)) for value in values]
    return pd.Series(texts, dtype="object")


def _float(value: Any) -> float:
    """Return a number as a float; NaN for anything else."""
    return as_float(value) if is_number(value) else float("nan")
