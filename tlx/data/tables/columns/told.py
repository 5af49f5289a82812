"""How a table's columns are read, in words for the console and values for the record."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from tlx.data.tables.columns.inference import label_notice
from tlx.data.tables.columns.trouble import shown
from tlx.data.tables.rows import dropped_words

if TYPE_CHECKING:
    from tlx.data.tables.columns.reading import Reading
    from tlx.data.tables.files.table_file import Table
    from tlx.data.tables.rows import Rows

MOST_LINES: Final = 40


def reading_lines(reading: Reading) -> list[str]:
    """Return a line for each column that is used, and for each that is not.

    Args:
        reading: How the table is read.
    """
    rows = [
        (shown(one.name), one.kind, one.reason, f"row {one.row}: {one.example}")
        for one in reading.columns
    ]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(3)]
    lines = [
        "  ".join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]))
        for row in rows[:MOST_LINES]
    ]
    if len(rows) > MOST_LINES:
        lines.append(f"... and {len(rows) - MOST_LINES} columns more, named in result.json")
    out = [f"left out {shown(name)!r}: {why}" for name, why in reading.left_out.items()]
    if len(out) > MOST_LINES:
        out = [*out[:MOST_LINES], f"... and {len(out) - MOST_LINES} columns more"]
    return [*lines, *out]


def reading_record(reading: Reading, table: Table) -> dict[str, Any]:
    """Return how each column is read and what is left out, as plain values."""
    kept = reading.to_dict()
    return {
        "columns": kept["columns"],
        "columns_left_out": kept["left_out"],
        "written_as": kept["dialect"],
        "notices": list(reading.notices),
        "parts": table.parts,
        "files_without_rows": list(table.passed_over),
    }


def tell(
    log: logging.Logger, name: str, table: Table, reading: Reading, rows: Rows, label: str
) -> None:
    """Say on the console how a table is read, and what of it is not used.

    Args:
        log: Takes the lines.
        name: The table's.
        table: The table.
        reading: How its columns are read.
        rows: The usable rows.
        label: The column to predict.
    """
    files = f", {table.parts} files" if table.parts > 1 else ""
    target = "numbers" if not rows.targets.class_names else "classes, text as written"
    title = f"{name}: {len(table)} rows{files}; {shown(label)!r} is predicted ({target}); columns:"
    log.info("%s", "\n  ".join((title, *reading_lines(reading))))
    if table.passed_over:
        named = ", ".join(map(shown, table.passed_over[:5]))
        log.info("files of %s without rows: %d (%s)", name, len(table.passed_over), named)
    for notice in reading.notices:
        log.warning("%s", notice)
    said = label_notice(rows.targets.class_names)
    if said:
        log.warning("column %r: %s", shown(label), said)
    dropped = dropped_words(rows)
    if dropped:
        log.warning("data.missing=drop %s", dropped)
