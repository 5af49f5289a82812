"""Reading a run's `metrics.csv`, which may be torn, damaged or another program's."""

from __future__ import annotations

import csv
from pathlib import Path

from tlx.runs.stored import DamagedFileError, read_file

HISTORY_FILE = "metrics.csv"


def history_rows(folder: Path) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Return the columns of a run's history, and its rows as text, each as far as it is whole.

    Args:
        folder: The run's folder.

    Raises:
        FileNotFoundError: Where there is no history.
        DamagedFileError: Where it is no table.
    """
    path = folder / HISTORY_FILE
    try:
        text = read_file(path).decode("utf-8")
        reader = csv.DictReader(text.splitlines(), strict=True)
        rows = [{name: cell for name, cell in row.items() if name and cell} for row in reader]
        return tuple(reader.fieldnames or ()), rows
    except (FileNotFoundError, DamagedFileError):
        raise
    except OSError as error:
        raise DamagedFileError(path, error.strerror or str(error)) from error
    except (ValueError, csv.Error) as error:
        raise DamagedFileError(path, str(error)) from error


def history_numbers(folder: Path) -> list[dict[str, float]]:
    """Return the rows of a run's history as numbers; an empty cell is NaN.

    Raises:
        FileNotFoundError: Where there is no history.
        DamagedFileError: Where it is no table of numbers.
    """
    columns, rows = history_rows(folder)
    try:
        return [{name: float(row.get(name, "nan")) for name in columns} for row in rows]
    except ValueError as error:
        raise DamagedFileError(folder / HISTORY_FILE, str(error)) from error
