"""What a user may say of a table's file and of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BeforeValidator

from tlx.data.tables.columns.choice import Choice
from tlx.data.tables.files.dialect import Decimal, Dialect, Thousands

MARK_NAMES: Final = {".": "point", ",": "comma", " ": "space", "'": "apostrophe"}
Names = tuple[str | int, ...]


def mark_word(mark: object) -> object:
    """Return the word of a mark (`comma` of `,`); a word stays."""
    return MARK_NAMES.get(mark, mark) if isinstance(mark, str) else mark


Mark = BeforeValidator(mark_word)


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a table's cells are read.

    Args:
        label_column: Column of the class names, or of the numbers to predict.
        separator: What stands between a CSV file's cells: `comma`, `semicolon`, `tab`, `pipe`,
            `space`, `colon` or one character; None takes the tab for `.tsv` and `.tab`, else the
            comma.
        encoding: The CSV file's encoding, as Python names it.
        decimal: The mark before decimals: `point` or `comma`.
        thousands: The mark between groups of three digits: `comma`, `point`, `space` or
            `apostrophe`; None allows none.
        missing_markers: Cells that say nothing, beside empty ones: `[NA,-999]`.
        units: What may stand before or behind the numbers of a column: `['%',kg]`. A column has
            one unit, in each cell.
        date_format: How dates are written, as `strptime` has it; None takes ISO 8601.
        columns: The columns to learn from; None takes all but the label's, those that only number
            the rows and those that are empty.
        exclude: Columns to leave out.
        numeric: Columns of numbers, whatever they look like.
        categorical: Columns of categories, text as written.
        dates: Columns of dates, each of which becomes the days since 1970-01-01.
    """

    label_column: str = "label"
    separator: str | None = None
    encoding: str = "utf-8"
    decimal: Annotated[Decimal, Mark] = "point"
    thousands: Annotated[Thousands | None, Mark] = None
    missing_markers: tuple[str | int | float, ...] = ()
    units: tuple[str, ...] = ()
    date_format: str | None = None
    columns: Names | None = None
    exclude: Names | None = None
    numeric: Names | None = None
    categorical: Names | None = None
    dates: Names | None = None

    @property
    def dialect(self) -> Dialect:
        """How the cells are written."""
        return Dialect(
            separator=self.separator,
            encoding=self.encoding,
            decimal=mark_word(self.decimal),  # type: ignore[arg-type]
            thousands=mark_word(self.thousands),  # type: ignore[arg-type]
            missing_markers=tuple(str(marker).strip() for marker in self.missing_markers),
            units=tuple(self.units),
            date_format=self.date_format,
        )

    @property
    def choice(self) -> Choice:
        """Which columns are used, and what is said of them."""
        return Choice(
            label=self.label_column,
            columns=None if self.columns is None else _names(self.columns),
            exclude=_names(self.exclude),
            numeric=_names(self.numeric),
            categorical=_names(self.categorical),
            dates=_names(self.dates),
        )


def _names(names: Names | None) -> tuple[str, ...]:
    return tuple(map(str, names or ()))
