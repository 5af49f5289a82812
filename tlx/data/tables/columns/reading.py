"""How a run reads a table's columns: found once, kept with the run, the same for every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.tables.columns.cells import days_in, numbers_of, texts_of
from tlx.data.tables.columns.kinds import ColumnKind
from tlx.data.tables.columns.trouble import shown
from tlx.data.tables.features.values import Cells
from tlx.data.tables.files.dialect import Dialect

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

KINDS: tuple[ColumnKind, ...] = ("number", "category", "date")


@dataclass(frozen=True)
class ColumnReading:
    """How one column is read.

    Args:
        name: The column.
        kind: `number`, `category` (text as written) or `date` (days since 1970-01-01).
        reason: Why.
        row: A row that shows it, from 1.
        example: Its cell.
        unit: What stands before or behind each number.
    """

    name: str
    kind: ColumnKind
    reason: str = ""
    row: int = 1
    example: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Reading:
    """How a table is read.

    Args:
        dialect: How its cells are written.
        columns: The columns that are used, in the table's order.
        left_out: Why other columns are not used, by name.
        notices: What else a reader should know.
    """

    dialect: Dialect
    columns: tuple[ColumnReading, ...]
    left_out: Mapping[str, str]
    notices: tuple[str, ...] = ()

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the columns that give a number: of those of dates too."""
        return tuple(one.name for one in self.columns if one.kind != "category")

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names of the columns of categories."""
        return tuple(one.name for one in self.columns if one.kind == "category")

    def of(self, name: str) -> ColumnReading:
        """Return how a column is read."""
        return next(one for one in self.columns if one.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self) | {"left_out": dict(self.left_out)}

    @classmethod
    def from_dict(cls, values: Any) -> Reading:
        """Return what `to_dict` wrote.

        Raises:
            ValueError: Where it is another thing.
        """
        try:
            columns = tuple(ColumnReading(**one) for one in values["columns"])
            made = cls(
                Dialect.from_dict(values["dialect"]),
                columns,
                {str(name): str(why) for name, why in values["left_out"].items()},
                tuple(map(str, values["notices"])),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"its reading of the columns is damaged ({error!r})") from error
        unknown = [one.kind for one in columns if one.kind not in KINDS]
        if unknown:
            raise ValueError(f"it reads a column as {unknown[0]!r}, which tlx does not know")
        return made

    @classmethod
    def as_before(cls, numeric: Sequence[str], categorical: Sequence[str]) -> Reading:
        """Return the reading of a run that was recorded without one: what pandas guesses.

        Args:
            numeric: Names of the numeric columns.
            categorical: Names of the categorical columns.
        """
        why = "recorded before readings were"
        numbers = (ColumnReading(name, "number", why) for name in numeric)
        words = (ColumnReading(name, "category", why) for name in categorical)
        return cls(Dialect(as_before=True), (*numbers, *words), {})


@dataclass(frozen=True)
class ReadCells:
    """Some rows as a reading has them.

    Args:
        cells: Their numbers and categories.
        wrong: Of each column of numbers or dates, which cells say something else, shape (n,).
    """

    cells: Cells
    wrong: Mapping[str, NDArray[np.bool_]]


def read_cells(frame: pd.DataFrame, reading: Reading) -> ReadCells:
    """Return rows as numbers and categories, whatever other rows than these look like.

    Args:
        frame: Has every column of the reading.
        reading: How they are read.
    """
    numbers = np.full((len(frame), len(reading.numeric)), np.nan)
    wrong = {}
    for place, name in enumerate(reading.numeric):
        how = reading.of(name)
        numbers[:, place], wrong[name] = (
            days_in(frame[name], reading.dialect)
            if how.kind == "date"
            else numbers_of(frame[name], reading.dialect, how.unit)
        )
    categories = np.empty((len(frame), len(reading.categorical)), dtype=object)
    for place, name in enumerate(reading.categorical):
        categories[:, place] = texts_of(frame[name], reading.dialect)
    return ReadCells(Cells(numbers, categories), wrong)


def wrong_cell(how: ColumnReading, cell: object, dialect: Dialect) -> str:
    """Return what a cell says that is not of its column's kind.

    Args:
        how: How the column is read.
        cell: The cell.
        dialect: How dates are written.
    """
    said = f"{shown(cell)!r}"
    if how.kind == "date":
        written = dialect.date_format or "written as 2026-01-31"
        return f"{said}, which is no date {written}"
    return f"{said}, which is no number" + (f" with {how.unit!r}" if how.unit else "")
