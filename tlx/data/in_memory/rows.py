"""Rows of numbers as features: prepared by what the training rows teach, or as a run's rows were.

The run keeps the preparation as `preparation.json`, like a run on a table, so that `tlx.predict`
and `api.load` take tables with the same columns.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tlx.data.tables.columns.reading import ColumnReading, Reading
from tlx.data.tables.features.learning import Learning, learn
from tlx.data.tables.features.preparation import Preparation, prepared, read_preparation
from tlx.data.tables.features.values import Cells
from tlx.data.tables.files.dialect import Dialect
from tlx.errors import Fault, TlxError

if TYPE_CHECKING:
    from tlx.data.in_memory.examples import Examples


def learned_preparation(
    examples: Examples, train: NDArray[np.int64], scaling: str, seed: int
) -> Preparation:
    """Return how rows become features, learned from the training rows alone.

    Args:
        examples: All rows.
        train: Positions of the training rows.
        scaling: See `tlx.data.tables.features.learning.Scaling`.
        seed: Of the run.
    """
    assert isinstance(examples.inputs, np.ndarray)
    how = Learning(scaling=scaling, seed=seed)
    cells = _cells(examples.inputs[train])
    found = learn(cells, examples.targets[train], examples.columns, (), how).preparation
    columns = tuple(
        ColumnReading(name, "number", "given as numbers") for name in examples.columns
    )  # fmt: skip
    return replace(found, reading=Reading(Dialect(), columns, {}))


def preparation_of_run(place: str, examples: Examples) -> Preparation | Fault:
    """Return how an earlier run prepares its rows, or why that does not go with these.

    Args:
        place: The run's folder.
        examples: The rows.
    """
    try:
        found = read_preparation(Path(place))
    except TlxError as error:
        remedy = "Give the folder of a run on rows of numbers."
        return Fault("data.preparation", place, str(error).rstrip("."), remedy)
    if found.categorical:
        reason = f"that run's rows have categories ({', '.join(found.categorical[:5])})"
        return Fault("data.preparation", place, reason, "Use data=table_csv on a table's file.")
    lacking = [name for name in found.numeric if name not in examples.columns]
    fits = len(found.numeric) == len(examples.columns) if not examples.are_named else not lacking
    if not fits:
        reason = f"that run's rows have {len(found.numeric)} columns, and these lack some of them"
        asked = ", ".join(found.numeric[:20])
        return Fault("data.preparation", place, reason, f"Give the columns: {asked}.")
    return found


def features_of(
    inputs: NDArray[np.float64], columns: tuple[str, ...], learned: Preparation
) -> NDArray[np.float32]:
    """Return rows as features, float32, shape (n, d).

    Args:
        inputs: Finite numbers, shape (n, columns).
        columns: Their names, where all of the preparation's are among them; else they stand in
            its order.
        learned: How rows become features.
    """
    named = set(learned.numeric) <= set(columns)
    places = [columns.index(name) for name in learned.numeric] if named else slice(None)
    features, _ = prepared(_cells(inputs[:, places]), learned)
    return features


def _cells(numbers: NDArray[Any]) -> Cells:
    return Cells(numbers, np.empty((len(numbers), 0), dtype=object))
