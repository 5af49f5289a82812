"""What a model card says of a table: how its rows become the features that the model takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tlx.texts.markdown import markdown_code, markdown_text

if TYPE_CHECKING:
    from tlx.data.tables.features.preparation import Preparation

PREPARED: Final = [
    "from pathlib import Path",
    "",
    "from tlx.data.tables.features.preparation import prepared, read_preparation",
    "from tlx.inference.rows import cells_and_errors, read_rows",
    "",
    "learned = read_preparation(Path({preparation}))",
    'rows = read_rows(Path("rows.csv"), learned)  # a table with the columns above',
    "cells, errors = cells_and_errors(rows, learned)  # the rows in errors have no prediction",
    "features, changes = prepared(cells, learned)",
    "",
]
"""Code that makes a NumPy array of features, float32, of a table."""


def preparation_name(file_name: str) -> str:
    """Return the name of the file that holds the preparation for a model's file."""
    return f"{file_name}.preparation.json"


def preparing_code(file_name: str) -> list[str]:
    """Return Python that makes `features` of a table.

    Args:
        file_name: The model's file.
    """
    return [line.format(preparation=json.dumps(preparation_name(file_name))) for line in PREPARED]


def preparation_lines(preparation: Preparation, file_name: str) -> list[str]:
    """Return what comes before the model, and its features in order.

    Args:
        preparation: How rows become features.
        file_name: The model's file.
    """
    done = [
        f"missing values: {preparation.missing}",
        *(["values clipped to bounds"] if preparation.lower else []),
        "numbers centred and scaled",
        *(["categories one-hot"] if preparation.categorical else []),
    ]
    kept = len(preparation.feature_names)
    if preparation.kept is not None:
        done.append(f"{kept} of {len(preparation.all_feature_names)} features selected")
    beside = markdown_code(preparation_name(file_name))
    return [
        "A table's rows are prepared before the model sees them, as the training rows taught; this "
        f"is not part of the file, its numbers are in {beside} (and in the run's "
        "`preparation.json`).",
        "",
        f"- numeric columns: {_listed(preparation.numeric)}",
        f"- categorical columns: {_listed(preparation.categorical)}",
        *_reading_lines(preparation),
        f"- preparation: {markdown_text('; '.join(done))}",
        f"- features in order: {_listed(preparation.feature_names)}",
    ]


def _reading_lines(preparation: Preparation) -> list[str]:
    """Return how cells are read, as far as this is not plain."""
    reading = preparation.reading
    if reading is None or reading.dialect.as_before:
        return []
    dialect = reading.dialect
    dates = tuple(one.name for one in reading.columns if one.kind == "date")
    units = tuple(f"{one.name} ({one.unit})" for one in reading.columns if one.unit)
    missing = ("empty cells", *map(repr, dialect.missing_markers))
    marks = f"decimal {dialect.decimal}, thousands {dialect.thousands or 'none'}"
    return [
        f"- cells: text as written; missing: {markdown_text(', '.join(missing))}; numbers: {marks}",
        *([f"- dates, as days since 1970-01-01: {_listed(dates)}"] if dates else []),
        *([f"- numbers with a unit: {_listed(units)}"] if units else []),
        *([f"- not used: {_listed(tuple(reading.left_out))}"] if reading.left_out else []),
    ]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(markdown_code(name) for name in names) or "none"
