"""A table's file, or the folder of its parts, as columns of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import numpy as np

from tlx.data.tables.columns.cells import is_text
from tlx.data.tables.files.csv_file import OPENERS, CsvError, read_csv
from tlx.data.tables.files.parquet_file import columns_of, read_parquet
from tlx.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

    from tlx.data.tables.files.dialect import Dialect

PARQUET_SUFFIXES: Final = (".parquet", ".pq")
CSV_SUFFIXES: Final = (".csv", ".tsv", ".tab", ".txt")
NO_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Table:
    """A table's cells.

    Args:
        frame: Its columns: text as written, None where empty, dtype object; or, of Parquet, of
            the types that it gives them.
        types: The stored type of each column that has one; columns of bare text have none.
        parts: How many files it was read from.
        passed_over: Files of its folder that hold no rows, by name.
    """

    frame: pd.DataFrame
    types: dict[str, str] = field(default_factory=dict)
    parts: int = 1
    passed_over: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    @property
    def names(self) -> list[str]:
        """The columns' names in order."""
        return [str(name) for name in self.frame.columns]


def read_table(
    path: Path, dialect: Dialect, key: str = "data.path", *, needs_rows: bool = True
) -> Table | Fault:
    """Return a table, or why it cannot be read.

    Args:
        path: A Parquet file, a CSV file with a header, or a folder of parts of either, as Spark
            writes it (`part-*.parquet`, also below folders `column=value`).
        dialect: How a CSV file is written.
        key: The option that names the path, for the fault.
        needs_rows: Whether a table without rows is a fault.
    """
    if not path.exists():
        remedy = f"Give the path of a CSV or Parquet file (looked for {path.absolute()})."
        return Fault(key, path, "there is no such file", remedy)
    if not (path.is_file() or path.is_dir()):
        return Fault(key, path, "it is no regular file", "Give a CSV or Parquet file.")
    table = _read(path.absolute(), dialect, key, table_state(path))
    if isinstance(table, Table) and needs_rows and not len(table):
        return Fault(key, path, "it has no rows", "Add some.")
    return table


def table_state(path: Path) -> str:
    """Return what tells whether a table has changed: sizes and times of its files."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    stats = [(str(file), file.stat()) for file in files]
    return " ".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)


@lru_cache(maxsize=4)
def _read(path: Path, dialect: Dialect, key: str, state: str) -> Table | Fault:  # noqa: ARG001
    try:
        if dialect.as_before:
            table = _as_before(path)
        elif path.is_dir():
            table = _folder(path, dialect, key)
        else:
            table = _file(path, dialect, key)
    except CsvError as error:
        return error.fault
    except (OSError, ValueError, TypeError) as error:
        reason = f"it cannot be read as a table ({' '.join(str(error).split())})"
        return Fault(key, path, reason, "Give a CSV or Parquet file.")
    return table


def _file(path: Path, dialect: Dialect, key: str) -> Table:
    if path.suffix.lower() in PARQUET_SUFFIXES:
        frame, types = columns_of(_named_once(read_parquet(path), path, key))
        return Table(_empty_as_none(frame), types)
    names, rows = read_csv(path, dialect, key)
    return Table(_text_frame(names, rows))


def _named_once(table: Any, path: Path, key: str) -> Any:
    again = [name for name in table.column_names if table.column_names.count(name) > 1]
    if again:
        reason = f"it names {again[0]!r} more than once"
        raise CsvError(Fault(key, path, reason, "Give each column a name of its own."))
    return table


def _text_frame(names: Sequence[str], rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    import pandas as pd

    cells = np.array(rows, dtype=object).reshape(len(rows), len(names))
    frame = pd.DataFrame(dict(enumerate(cells.T)), dtype=object, index=range(len(rows)))
    frame.columns = pd.Index(names, dtype=object)
    return _empty_as_none(frame)


def _empty_as_none(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose cells of text are None where they hold nothing but spaces."""
    for place in range(frame.shape[1]):
        if is_text(frame.iloc[:, place]):
            texts = frame.iloc[:, place].to_numpy()
            found = [text if text is not None and text.strip() else None for text in texts]
            frame.isetitem(place, np.array(found, dtype=object))
    return frame


def _as_before(path: Path) -> Table:
    """Return a table as pandas guesses it, for runs recorded before a reading was."""
    import pandas as pd

    whole = path.is_dir() or path.suffix.lower() in PARQUET_SUFFIXES
    frame = pd.read_parquet(path) if whole else pd.read_csv(path, low_memory=False)
    frame.columns = [str(name) for name in frame.columns]
    return Table(frame.astype({n: object for n in frame if frame[n].dtype == "str"}))


def _folder(path: Path, dialect: Dialect, key: str) -> Table:
    """Return the parts of a folder one below the other, in the order of their names."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    shown = {file: file.relative_to(path).parts for file in files}
    hidden = [file for file in files if any(part[0] in "._" for part in shown[file])]
    parts = [file for file in files if file not in set(hidden)]
    suffixes = {_suffix(file) for file in parts}
    parquet = suffixes <= set(PARQUET_SUFFIXES)
    if not parts or not (parquet or suffixes <= set(CSV_SUFFIXES)):
        found = ", ".join(sorted(suffix or "no suffix" for suffix in suffixes)) or "no files"
        reason = f"the folder is no table: it holds {found}"
        remedy = "Give a file, or a folder whose parts are all .parquet, or all .csv."
        raise CsvError(Fault(key, path, reason, remedy))
    filled = parts if parquet else [file for file in parts if file.stat().st_size]
    passed = [str(file.relative_to(path)) for file in files if file not in set(filled)]
    joined = _joined_parquet if parquet else _joined_csv
    table = joined(path, filled, dialect, key)
    return Table(table.frame, table.types, len(filled), tuple(passed))


def _suffix(file: Path) -> str:
    last = file.suffix.lower()
    return file.with_suffix("").suffix.lower() if last in OPENERS else last


def _joined_parquet(path: Path, parts: list[Path], dialect: Dialect, key: str) -> Table:  # noqa: ARG001
    import pyarrow as pa

    tables = [_named_once(read_parquet(part), part, key) for part in parts]
    for part, table in zip(parts, tables, strict=True):
        _check_same(path, part, table.column_names, tables[0].column_names, key)
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        reason = f"its parts give a column different types ({' '.join(str(error).split())})"
        raise CsvError(Fault(key, path, reason, "Write all parts with the same types.")) from error
    frame, types = columns_of(whole)
    lengths = [table.num_rows for table in tables]
    return Table(_empty_as_none(_with_partitions(frame, path, parts, lengths, key)), types)


def _joined_csv(path: Path, parts: list[Path], dialect: Dialect, key: str) -> Table:
    if not parts:
        raise CsvError(Fault(key, path, "its parts are all empty", "Add rows."))
    read = [read_csv(part, dialect, key) for part in parts]
    for part, (names, _) in zip(parts, read, strict=True):
        _check_same(path, part, names, read[0][0], key)
    frame = _text_frame(read[0][0], [row for _, rows in read for row in rows])
    lengths = [len(rows) for _, rows in read]
    return Table(_empty_as_none(_with_partitions(frame, path, parts, lengths, key)))


def _check_same(
    path: Path, part: Path, names: Sequence[str], first: Sequence[str], key: str
) -> None:
    if list(names) == list(first):
        return
    other = sorted(set(names) ^ set(first)) or ["in another order"]
    reason = f"{part.relative_to(path)} has other columns than the first part: {', '.join(other)}"
    raise CsvError(Fault(key, path, reason, "Give parts of one table."))


def _with_partitions(
    frame: pd.DataFrame, path: Path, parts: list[Path], lengths: list[int], key: str
) -> pd.DataFrame:
    """Return a frame with the columns that the folders `column=value` of its parts give, as text.

    A value is text as written: month `01` is no number 1 here either.
    """
    named = [
        dict(_pair(one) for one in part.relative_to(path).parts[:-1] if "=" in one)
        for part in parts
    ]
    every = sorted({name for one in named for name in one})
    for name in every:
        if name in frame.columns or any(name not in one for one in named):
            reason = f"its folders do not all give column {name!r}, or a part has it too"
            raise CsvError(Fault(key, path, reason, "Give parts of one table."))
        values = np.array([one[name] for one in named], dtype=object)
        frame[name] = np.repeat(values, lengths)
    return frame


def _pair(folder: str) -> tuple[str, str | None]:
    name, _, value = folder.partition("=")
    return unquote(name), None if value == NO_PARTITION else unquote(value)
