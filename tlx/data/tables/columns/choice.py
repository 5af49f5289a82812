"""Which columns of a table are used, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlx.errors import Fault, did_you_mean

if TYPE_CHECKING:
    from tlx.data.tables.columns.reading import Reading
    from tlx.data.tables.files.table_file import Table

BROUGHT = "Leave it out: data.preparation brings the reading with it."
KINDS = {"numeric": "number", "categorical": "category", "dates": "date"}


@dataclass(frozen=True)
class Choice:
    """Which columns are used, and what is said of their kinds.

    Args:
        label: The column to predict.
        columns: The columns to use; None takes all.
        exclude: Columns to leave out.
        numeric: Columns that are numbers.
        categorical: Columns that are categories.
        dates: Columns that are dates.
    """

    label: str
    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()

    @property
    def named(self) -> frozenset[str]:
        """The columns that are wanted by name."""
        kinds = (*self.numeric, *self.categorical, *self.dates)
        return frozenset((*(self.columns or ()), *kinds))

    def faults(self) -> list[Fault]:
        """Return what is wrong with the choice itself, whatever the table."""
        faults = []
        listed = {option: getattr(self, option) for option in KINDS}
        for option, names in listed.items():
            others = {name: other for other in listed for name in listed[other] if other != option}
            for name in names:
                if name in others and option < others[name]:
                    reason = f"data.{others[name]} lists the column too"
                    faults.append(Fault(f"data.{option}", name, reason, "List it once."))
                elif name in self.exclude:
                    reason = "data.exclude lists the column too"
                    faults.append(Fault(f"data.{option}", name, reason, "List it once."))
        for option in (*KINDS, "columns"):
            if self.label in (getattr(self, option) or ()):
                reason = "the column to predict is listed among the features"
                remedy = f"Take it out of data.{option}."
                faults.append(Fault("data.label_column", self.label, reason, remedy))
        if self.columns is not None and not self.columns:
            reason = "it lists no column"
            faults.append(
                Fault("data.columns", "[]", reason, "List some, or leave it out for all.")
            )
        return faults

    def name_faults(self, table: Table) -> list[Fault]:
        """Return a fault for each named column that a table lacks."""
        asked = {option: getattr(self, option) or () for option in (*KINDS, "columns", "exclude")}
        return name_faults(table, {"label_column": (self.label,), **asked})

    def against(self, reading: Reading) -> list[Fault]:
        """Return where the choice goes against the reading of an earlier run."""
        known = {one.name: one.kind for one in reading.columns}
        faults = []
        for option, kind in KINDS.items():
            for name in getattr(self, option):
                if known.get(name) != kind:
                    reason = f"the preparation reads it as {known.get(name, 'no feature')}"
                    faults.append(Fault(f"data.{option}", name, reason, BROUGHT))
        if self.columns is not None and not set(self.columns) <= set(known):
            name = next(name for name in self.columns if name not in known)
            reason = "the preparation does not use it"
            faults.append(Fault("data.columns", name, reason, BROUGHT))
        for name in self.exclude:
            if name in known:
                reason = "the preparation uses it"
                faults.append(Fault("data.exclude", name, reason, BROUGHT))
        return faults


def name_faults(table: Table, asked: Mapping[str, Sequence[str]]) -> list[Fault]:
    """Return a fault for each column that a table lacks.

    Args:
        table: The table.
        asked: Column names, by the option that names them.
    """
    known = table.names
    return [
        Fault(f"data.{option}", name, "the table has no such column", did_you_mean(name, known))
        for option, names in asked.items()
        for name in names
        if name not in known
    ]
