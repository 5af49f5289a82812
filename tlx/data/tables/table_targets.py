"""The column of a table that is to be predicted: classes, or numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np

from tlx.data.class_choice import class_faults
from tlx.data.tables.columns.cells import is_text, numbers_of, texts_of
from tlx.data.tables.columns.kinds import kind_of, texts_in
from tlx.data.tables.columns.numbers import unit_in
from tlx.data.tables.columns.trouble import shown, trouble_faults
from tlx.data.tables.features.values import is_none
from tlx.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from tlx.data.tables.files.dialect import Dialect

CLASSIFICATION: Final = "classification"
REGRESSION: Final = "regression"
TaskKind = Literal["classification", "regression"]
FEWEST_CLASSES: Final = 2
FEWEST_ROWS: Final = 2
"""Rows of a split below which R2 is not defined."""


@dataclass(frozen=True)
class Targets:
    """What some rows are to be predicted as.

    Args:
        values: int64 class indices, or float64 numbers, shape (n,).
        class_names: One per class, sorted; empty where the values are numbers.
        numbers: Of each class, its index among all classes of the column.
    """

    values: NDArray[Any]
    class_names: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    @property
    def strata(self) -> NDArray[np.int64]:
        """The groups that are dealt out one by one: the classes, or all rows together."""
        values = self.values if self.class_names else np.zeros(len(self.values))
        return values.astype(np.int64)


class TargetColumn(Protocol):
    """The column as it stands in the file."""

    @property
    def lacking(self) -> NDArray[np.bool_]:
        """Which rows have no value to learn, shape (n,)."""

    def targets(self, kept: NDArray[np.bool_]) -> Targets | Fault:
        """Return the targets of the rows to keep, or why nothing can be learned from them."""

    def lost(self, chosen: NDArray[np.bool_], kept: NDArray[np.bool_]) -> list[str]:
        """Return the classes that the chosen rows have, and those that are kept do not."""

    def lacking_fault(self) -> Fault:
        """Return the fault of rows that have no value."""


@dataclass(frozen=True)
class ClassColumn:
    """A column of class names.

    Args:
        name: The column's name.
        texts: Text or None where missing, dtype object, shape (n,).
        lacking: Where it is missing, shape (n,).
    """

    name: str
    texts: NDArray[Any]
    lacking: NDArray[np.bool_]

    def targets(self, kept: NDArray[np.bool_]) -> Targets | Fault:
        """Return class indices, or a fault where there is a single class."""
        names = tuple(sorted(set(self.texts[kept])))
        if len(names) < FEWEST_CLASSES:
            only = ", ".join(map(repr, names)) or "none"
            reason = f"the column has a single class ({only}), there is nothing to tell apart"
            remedy = "Name another column, or add rows of other classes."
            return Fault("data.label_column", self.name, reason, remedy)
        places = {name: place for place, name in enumerate(names)}
        every = sorted({text for text in self.texts if text is not None})
        labels = np.array([places[text] for text in self.texts[kept]], dtype=np.int64)
        return Targets(labels, names, tuple(every.index(name) for name in names))

    def lost(self, chosen: NDArray[np.bool_], kept: NDArray[np.bool_]) -> list[str]:
        """Return the classes of the chosen rows that no kept row has."""
        return sorted(set(self.texts[chosen & ~self.lacking]) - set(self.texts[kept]))

    def lacking_fault(self) -> Fault:
        """Return the fault of rows without a class."""
        count, row = int(self.lacking.sum()), int(self.lacking.argmax()) + 1
        reason = f"{count} rows have no class (the first is row {row})"
        remedy = "Complete or remove them, or choose data.missing=drop."
        return Fault("data.label_column", self.name, reason, remedy)


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers.

    Args:
        name: The column's name.
        numbers: float64, shape (n,); NaN where missing.
        lacking: Where no finite number of single precision stands, shape (n,).
    """

    name: str
    numbers: NDArray[np.float64]
    lacking: NDArray[np.bool_]

    def targets(self, kept: NDArray[np.bool_]) -> Targets | Fault:
        """Return the numbers, or a fault where all are the same."""
        numbers = self.numbers[kept]
        if len(numbers) and numbers.min() < numbers.max():
            return Targets(numbers)
        only = f"{numbers[0]:g}" if len(numbers) else "none"
        reason = f"the column has a single value ({only}), there is nothing to predict"
        remedy = "Name another column, or add rows with other values."
        return Fault("data.label_column", self.name, reason, remedy)

    def lost(self, chosen: NDArray[np.bool_], kept: NDArray[np.bool_]) -> list[str]:  # noqa: ARG002
        """Return nothing: numbers are no classes."""
        return []

    def lacking_fault(self) -> Fault:
        """Return the fault of rows without a finite number."""
        count, row = int(self.lacking.sum()), int(self.lacking.argmax())
        shown = self.numbers[row]
        what = "empty" if np.isnan(shown) else f"{shown:g}"
        verb = "row has" if count == 1 else "rows have"
        reason = f"{count} {verb} no finite number (the first is row {row + 1}: {what})"
        remedy = (
            "Complete or remove them, or choose data.missing=drop: what is to be predicted is "
            "never filled in."
        )
        return Fault("data.label_column", self.name, reason, remedy)


def target_column(
    frame: pd.DataFrame, name: str, task: str, dialect: Dialect
) -> TargetColumn | Fault:
    """Return the column to be predicted, or why it cannot be what is asked for.

    Args:
        frame: The table.
        name: The column's name.
        task: See `TaskKind`.
        dialect: How its cells are written.
    """
    if task == CLASSIFICATION:
        texts = texts_of(frame[name], dialect)
        return ClassColumn(name, texts, is_none(texts))
    numbers = _numbers(frame[name], dialect)
    if isinstance(numbers, Fault):
        return numbers
    with np.errstate(over="ignore"):
        lacking = ~np.isfinite(numbers.astype(np.float32))
    return NumberColumn(name, numbers, np.asarray(lacking, dtype=np.bool_))


def _numbers(column: pd.Series[Any], dialect: Dialect) -> NDArray[np.float64] | Fault:
    texts = texts_of(column, dialect)
    unit = unit_in(texts, dialect) if is_text(column) else ""
    parsed, wrong = numbers_of(column, dialect, unit)
    if not wrong.any():
        return parsed
    name, row = str(column.name), int(wrong.argmax())
    trouble = kind_of(texts_in(name, texts, dialect, unit), dialect).trouble
    if is_text(column) and trouble is not None and trouble.is_of_numbers:
        named = replace(trouble, ways=(("data.task=classification", "to learn classes"),))
        (fault,) = trouble_faults([named], dialect, "data.label_column")
        return fault
    reason = f"the column has {shown(column.iloc[row])!r} in row {row + 1}, which is no number"
    remedy = "Correct the table, name another column, or learn classes: data.task=classification."
    return Fault("data.label_column", name, reason, remedy)


def rows_of_classes(
    frame: pd.DataFrame, name: str, classes: Sequence[str | int] | None, dialect: Dialect
) -> NDArray[np.bool_] | list[Fault]:
    """Return which rows are of some classes, or of none, or what is wrong with the choice.

    Args:
        frame: The table.
        name: The column of classes.
        classes: The choice; None takes every row.
        dialect: How its cells are written.

    Returns:
        Shape (n,).
    """
    if classes is None:
        return np.ones(len(frame), dtype=bool)
    texts = texts_of(frame[name], dialect)
    faults = class_faults(sorted({text for text in texts if text is not None}), classes)
    asked = {None, *map(str, classes)}
    return faults or np.array([text in asked for text in texts], dtype=np.bool_)


def size_faults(path: str, parts: tuple[NDArray[np.int64], ...]) -> list[Fault]:
    """Return a fault where a split has too few rows for its numbers to be scored.

    Args:
        path: The table.
        parts: Positions of the training, validation and test rows.
    """
    train, val, test = map(len, parts)
    if min(train, val, test) >= FEWEST_ROWS:
        return []
    reason = f"it gives {train} training, {val} validation and {test} test rows, too few to score"
    remedy = "Add rows, or change data.val_fraction, data.test_fraction and data.folds."
    return [Fault("data.path", path, reason, remedy)]
