"""Finding out once, from a training table, how each of its columns is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tlx.data.tables.assignment import assignment
from tlx.data.tables.columns.cells import days_in, is_text, numbers_of, texts_of
from tlx.data.tables.columns.index_column import index_reason, rises_with_rows
from tlx.data.tables.columns.kinds import Finding, kind_of, same_but_for_case, texts_in
from tlx.data.tables.columns.numbers import number_of, unit_in
from tlx.data.tables.columns.reading import ColumnReading, Reading, wrong_cell
from tlx.data.tables.columns.trouble import Trouble, shown, trouble_faults
from tlx.data.tables.files.dialect import Dialect
from tlx.data.tables.files.parquet_file import UNREADABLE
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.data.tables.columns.choice import Choice
    from tlx.data.tables.files.table_file import Table

COLUMN: Final = "column"
AS_WRITTEN: Final = "labels are text as written"


def inferred(table: Table, choice: Choice, dialect: Dialect) -> Reading | list[Fault]:
    """Return how a training table's columns are read, or what has to be said first.

    Args:
        table: The table; it has every column that the choice names.
        choice: What is said of its columns.
        dialect: How its cells are written.
    """
    columns: list[ColumnReading] = []
    left_out: dict[str, str] = {}
    notices: list[str] = []
    troubles: list[Trouble] = []
    faults: list[Fault] = []
    for name in table.names:
        if name == choice.label:
            continue
        out = _left_out(table, name, choice, dialect)
        if out:
            left_out[name] = out
            continue
        found = _found_in(table, name, choice, dialect)
        if isinstance(found, Fault):
            faults.append(found)
            continue
        if found.trouble is not None:
            troubles.append(found.trouble)
        if found.notice:
            notices.append(f"column {shown(name)!r}: {found.notice}")
        columns.append(_column(table, name, found))
    faults += trouble_faults(troubles, dialect, COLUMN)
    return faults or Reading(dialect, tuple(columns), left_out, tuple(notices))


def _column(table: Table, name: str, found: Finding) -> ColumnReading:
    example = shown(table.frame[name].iloc[found.row])
    return ColumnReading(name, found.kind, found.reason, found.row + 1, example, found.unit)


def _left_out(table: Table, name: str, choice: Choice, dialect: Dialect) -> str:
    """Return why a column is not used; empty where it is."""
    if choice.columns is not None:
        return "" if name in choice.named else "data.columns does not list it"
    if name in choice.exclude:
        return "data.exclude lists it"
    if name in choice.named:
        return ""
    column, stored = table.frame[name], table.types.get(name, "")
    if stored.startswith(UNREADABLE):
        return f"it holds neither numbers nor text ({stored.removeprefix(UNREADABLE).strip()})"
    if not any(text is not None for text in texts_of(column, dialect)):
        return "it is empty in every row"
    bare = is_text(column) and name in table.types  # text in Parquet is no number
    numbers, wrong = numbers_of(column, dialect)
    why = index_reason(name, None if bare or wrong.any() else numbers)
    return f"{why}; {assignment('data.numeric', [name])} takes it in" if why else ""


def _found_in(table: Table, name: str, choice: Choice, dialect: Dialect) -> Finding | Fault:
    column, stored = table.frame[name], table.types.get(name, "")
    if stored.startswith(UNREADABLE):
        kind = stored.removeprefix(UNREADABLE).strip()
        remedy = "Leave it out of data.columns, data.numeric, data.categorical and data.dates."
        return Fault(COLUMN, shown(name), f"it holds neither numbers nor text ({kind})", remedy)
    if name in choice.numeric:
        return _as_numbers(table, name, dialect)
    if name in choice.dates:
        return _as_dates(table, name, dialect)
    if name in choice.categorical:
        return Finding("category", "data.categorical lists it", _first(column))
    if stored:
        return _by_type(column, name, stored, dialect)
    cells = texts_of(column, dialect)
    texts = texts_in(name, cells, dialect, unit_in(cells, dialect))
    found = kind_of(texts, dialect)
    return _unless_rising(found, column, name, dialect) if found.kind == "number" else found


def _first(column: Any) -> int:
    return int(column.notna().to_numpy(dtype=bool).argmax())


def _unless_rising(found: Finding, column: Any, name: str, dialect: Dialect) -> Finding:
    """Return a column of numbers with a notice where it may be an index."""
    numbers, _ = numbers_of(column, dialect, found.unit)
    if found.notice or not rises_with_rows(numbers):
        return found
    way = assignment("data.exclude", [name])
    notice = f"it rises from row to row, as an index does; {way} leaves it out if it is one"
    return replace(found, notice=notice)


def _by_type(column: Any, name: str, stored: str, dialect: Dialect) -> Finding:
    """Return what a Parquet column holds by its own type; its text is text."""
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype

    reason, row = f"stored as {stored}", _first(column)
    if is_datetime64_any_dtype(column):
        return Finding("date", reason, row)
    if is_bool_dtype(column):
        return Finding("category", reason, row)
    if not is_text(column):
        return _unless_rising(Finding("number", reason, row), column, name, dialect)
    texts = texts_in(name, texts_of(column, dialect), dialect)
    if len(texts.numbers) == len(texts.first):
        way = assignment("data.numeric", [name])
        return Finding(
            "category", reason, row, f"all are numbers, stored as text; {way} reads them"
        )
    found = kind_of(texts, dialect)
    return Finding("category", f"{reason}: {found.reason}", found.row, found.notice, found.trouble)


def _as_numbers(table: Table, name: str, dialect: Dialect) -> Finding | Fault:
    column = table.frame[name]
    unit = unit_in(texts_of(column, dialect), dialect) if is_text(column) else ""
    _, wrong = numbers_of(column, dialect, unit)
    if not wrong.any():
        return Finding("number", "data.numeric lists it", _first(column), unit=unit)
    row = int(wrong.argmax())
    how = ColumnReading(name, "number", unit=unit)
    said = wrong_cell(how, column.iloc[row], dialect)
    if is_text(column):
        found = kind_of(texts_in(name, texts_of(column, dialect), dialect), dialect)
        if found.trouble is not None and (found.trouble.marks or found.trouble.units):
            (fault,) = trouble_faults([found.trouble], dialect, COLUMN)
            return fault
    remedy = "Correct the table, or list it in data.categorical."
    if not any(character.isdigit() for character in str(column.iloc[row])):
        text = str(column.iloc[row]).strip()
        way = assignment("data.missing_markers", [*dialect.missing_markers, text])
        remedy = f"Give {way} where it stands for nothing, correct the table, or list it in "
        remedy += "data.categorical."
    reason = f"the column has {said.replace(', which', f' in row {row + 1}, which')}"
    return Fault("data.numeric", shown(name), reason, remedy)


def _as_dates(table: Table, name: str, dialect: Dialect) -> Finding | Fault:
    column = table.frame[name]
    _, wrong = days_in(column, dialect)
    if not wrong.any():
        return Finding("date", "data.dates lists it", _first(column))
    row = int(wrong.argmax())
    cell = shown(column.iloc[row])
    written = dialect.date_format or "ISO 8601 (2026-01-31)"
    reason = f"row {row + 1} says {cell!r}, which is no date as {written}"
    remedy = (
        "Give data.date_format=%d.%m.%Y, say, for 31.01.2026 or data.date_format=%m/%d/%Y for "
        "01/31/2026; one format goes for all dates. What is no date at all is corrected, or named "
        "in data.missing_markers."
    )
    return Fault("data.dates", shown(name), reason, remedy)


def label_notice(classes: Iterable[str]) -> str:
    """Return a notice of classes that differ by what is easily overlooked; else nothing.

    Args:
        classes: As written.
    """
    known = sorted(classes)
    alike = same_but_for_case(known)
    return f"{alike} are two classes: {AS_WRITTEN}" if alike else same_number_notice(known)


def same_number_notice(classes: Iterable[str]) -> str:
    """Return a notice of classes that are one number in two ways, such as 1 and 01; else nothing.

    Args:
        classes: As written.
    """
    seen: dict[float, str] = {}
    for text in sorted(classes):
        number = number_of(text, Dialect())
        if number is not None and seen.setdefault(number, text) != text:
            pair = f"{shown(seen[number])!r} and {shown(text)!r}"
            return f"{pair} are two classes: {AS_WRITTEN}"
    return ""
