"""The rows of a table that can be learned from, and why others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tlx.data.tables.columns.reading import Reading, read_cells, wrong_cell
from tlx.data.tables.columns.trouble import shown
from tlx.data.tables.features.values import Cells, missing_counts, missing_faults
from tlx.data.tables.table_targets import Targets, rows_of_classes, target_column
from tlx.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tlx.data.tables.files.table_file import Table
    from tlx.data.tables.table_targets import TargetColumn

FILLING = ("mean", "median", "knn")
NO_TARGET = "nothing to predict"


@dataclass(frozen=True)
class Rows:
    """The usable rows of a table.

    Args:
        cells: Their numeric and categorical values.
        targets: What they are to be predicted as.
        ids: Position of each row in the file, from 0, shape (n,).
        dropped: How many rows were left out for what they lack.
        dropped_for: How many of them lack a column's value, by column, and how many have nothing
            to predict; a row may lack several.
    """

    cells: Cells
    targets: Targets
    ids: NDArray[np.int64]
    dropped: int
    dropped_for: Mapping[str, int]


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted.

    Args:
        label: The column to predict.
        task: `classification` or `regression`.
        classes: The classes to tell apart; None takes all.
        missing: What becomes of missing values.
        drops: Whether rows without anything to predict are left out.
    """

    label: str
    task: str
    classes: Sequence[str | int] | None
    missing: str
    drops: bool


def usable_rows(table: Table, reading: Reading, wanted: Wanted) -> Rows | list[Fault]:
    """Return the rows to learn from, or what is wrong with the table.

    Args:
        table: It has every column of the reading, and the one to predict.
        reading: How its columns are read.
        wanted: Which rows.
    """
    read = read_cells(table.frame, reading)
    faults = [
        _wrong(reading, name, table, wrong) for name, wrong in read.wrong.items() if wrong.any()
    ]
    column = target_column(table.frame, wanted.label, wanted.task, reading.dialect)
    if isinstance(column, Fault):
        return [*faults, column]
    if faults:
        return faults
    chosen = rows_of_classes(table.frame, wanted.label, wanted.classes, reading.dialect)
    if isinstance(chosen, list):
        return chosen
    lacks = np.zeros(len(table), bool) if wanted.missing in FILLING else read.cells.missing
    if not wanted.drops and column.lacking[chosen].any():
        return [column.lacking_fault()]
    if wanted.missing != "drop" and lacks[chosen].any():
        return missing_faults(read.cells, reading.numeric, reading.categorical)
    kept = chosen & ~column.lacking & ~lacks
    return _kept(read.cells, column, chosen, kept, reading, lacks)


def _wrong(reading: Reading, name: str, table: Table, wrong: NDArray[np.bool_]) -> Fault:
    row = int(wrong.argmax())
    how = reading.of(name)
    said = wrong_cell(how, table.frame[name].iloc[row], reading.dialect)
    more = f" ({int(wrong.sum())} rows)" if wrong.sum() > 1 else ""
    reason = f"row {row + 1} says {said}{more}, and it is read as {how.kind}"
    return Fault("column", shown(name), reason, "Correct the table.")


def _kept(
    cells: Cells,
    column: TargetColumn,
    chosen: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    reading: Reading,
    lacks: NDArray[np.bool_],
) -> Rows | list[Fault]:
    targets = column.targets(kept)
    if isinstance(targets, Fault):
        return [targets]
    gone = chosen & ~kept
    counts = missing_counts(cells.rows(gone & lacks), reading.numeric, reading.categorical)
    without = int((gone & column.lacking).sum())
    dropped_for = ({NO_TARGET: without} if without else {}) | counts
    lost = column.lost(chosen, kept)
    if lost:
        return [_lost(lost, counts)]
    ids = np.flatnonzero(kept).astype(np.int64)
    return Rows(cells.rows(kept), targets, ids, int(gone.sum()), dropped_for)


def _lost(lost: Sequence[str], counts: Mapping[str, int]) -> Fault:
    named = ", ".join(repr(shown(name)) for name in lost[:5])
    why = ", ".join(f"{count} lack {shown(name)!r}" for name, count in counts.items())
    reason = f"it leaves no row of class {named} (of the rows left out {why})"
    remedy = (
        "Fill the values in (data.missing=median), data.exclude the columns that lack them, or "
        "name the other classes in data.classes."
    )
    return Fault("data.missing", "drop", reason, remedy)


def dropped_words(rows: Rows) -> str:
    """Return how many rows were left out, by what they lack; empty where none was."""
    if not rows.dropped:
        return ""
    counts = [f"{shown(name)}: {count}" for name, count in rows.dropped_for.items()]
    total = rows.dropped + len(rows.ids)
    return f"left out {rows.dropped} of {total} rows for what they lack ({', '.join(counts)})"
