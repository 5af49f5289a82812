"""A CSV file as text cells exactly as written, or what is wrong with it."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tlx.data.tables.columns.numbers import number_of
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.data.tables.files.dialect import Dialect

OPENERS: Final[dict[str, Callable[[Path], Any]]] = {
    ".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open,
}  # fmt: skip
LONGEST_CELL: Final = 10_000_000
MARKS: Final = {
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", b"PK\x03\x04": "",
}  # fmt: skip


class CsvError(Exception):
    """A CSV file that cannot be read as it is meant to be."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def read_csv(path: Path, dialect: Dialect, key: str) -> tuple[list[str], list[list[str]]]:
    """Return a file's column names, and its rows as they are written.

    Blank lines are no rows. Columns without a name are called as pandas calls them
    (`Unnamed: 0`).

    Args:
        path: The file; `.gz`, `.bz2` and `.xz` are unpacked.
        dialect: How it is written.
        key: The option that names it, for the fault.

    Raises:
        CsvError: Where its bytes or its rows do not fit.
    """
    suffix = path.with_suffix("").suffix if path.suffix.lower() in OPENERS else path.suffix
    separator = dialect.separator_for(suffix.lower())
    text = _decoded(_bytes(path, key), dialect.encoding, path, key)
    records = _records(text, separator, path, key)
    if not records:
        raise CsvError(Fault(key, path, "it is empty", "Give a table with a header and rows."))
    header, rows = records[0], records[1:]
    _check_header(header, separator, path, key)
    _check_widths(header, rows, path, key)
    names = [name if name.strip() else f"Unnamed: {at}" for at, name in enumerate(header)]
    return names, rows


def _bytes(path: Path, key: str) -> bytes:
    opener = OPENERS.get(path.suffix.lower())
    try:
        if opener is None:
            return path.read_bytes()
        with opener(path) as file:
            content: bytes = file.read()
            return content
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
        reason = f"it cannot be read ({' '.join(str(error).split())})"
        raise CsvError(Fault(key, path, reason, "Give a CSV or Parquet file.")) from error


def _decoded(content: bytes, encoding: str, path: Path, key: str) -> str:
    for mark, meant in MARKS.items():
        if content.startswith(mark) and codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
            what = f"it starts as {meant.upper()} does" if meant else "it is a zip archive"
            remedy = f"Give data.encoding={meant}." if meant else "Unpack it."
            raise CsvError(Fault(key, path, f"{what}, and not as text in {encoding}", remedy))
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        raise CsvError(_undecodable(content, encoding, path, error)) from error
    if "\0" in text:
        row = text[: text.index("\0")].count("\n")
        reason = f"{path} has a zero byte ({_place(row)}), so that it is not text in {encoding}"
        remedy = "Give the file's encoding, such as utf-16, or a CSV or Parquet file."
        raise CsvError(Fault("data.encoding", encoding, reason, remedy))
    return text.removeprefix("\ufeff")


def _undecodable(content: bytes, encoding: str, path: Path, error: UnicodeError) -> Fault:
    remedy = "Give the encoding that it is written in, such as data.encoding=latin-1 or cp1252."
    if not isinstance(error, UnicodeDecodeError):
        return Fault("data.encoding", encoding, f"{path} is not written so ({error})", remedy)
    before = content[: error.start].decode(encoding, "replace")
    row, line = before.count("\n"), before.rpartition("\n")[2]
    seen = f"{line[-20:]}\ufffd"
    reason = (
        f"{path} has the byte 0x{content[error.start]:02x}, which is none of {encoding}, in "
        f"{_place(row)}, character {len(line) + 1} ({seen!r})"
    )
    return Fault("data.encoding", encoding, reason, remedy)


def _place(line: int) -> str:
    return "the header" if line == 0 else f"row {line}"


def _records(text: str, separator: str, path: Path, key: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    limit = csv.field_size_limit(LONGEST_CELL)
    records: list[list[str]] = []
    try:
        records.extend(record for record in reader if record)
    except csv.Error as error:
        reason = f"{_place(len(records))} breaks off or has a quote amiss ({error})"
        remedy = "Close each quote, and write a quote within a quoted cell twice."
        raise CsvError(Fault(key, path, reason, remedy)) from error
    finally:
        csv.field_size_limit(limit)
    return records


def _check_header(header: list[str], separator: str, path: Path, key: str) -> None:
    if len(header) == 1:
        others = [mark for mark in (";", "\t", "|", ",") if mark != separator and mark in header[0]]
        if others:
            best = max(others, key=header[0].count)
            words = {";": "semicolon", "\t": "tab", "|": "pipe", ",": "comma"}
            reason = f"it gives {path} a single column, {header[0][:60]!r}"
            remedy = f"Give data.separator={words[best]}."
            raise CsvError(Fault("data.separator", repr(separator), reason, remedy))
    again = [name for name, count in Counter(header).items() if count > 1 and name.strip()]
    if again:
        places = [str(at + 1) for at, name in enumerate(header) if name == again[0]]
        reason = f"the header names {again[0]!r} more than once (columns {', '.join(places)})"
        raise CsvError(Fault(key, path, reason, "Give each column a name of its own."))
    if _is_no_header(header):
        shown = ", ".join(header[:5])
        reason = f"its first row holds numbers ({shown}), and not the columns' names"
        raise CsvError(Fault(key, path, reason, "Write a header above it."))


def _is_no_header(header: list[str]) -> bool:
    """Return whether most names are decimal numbers, as no header has them but a row of data."""
    from tlx.data.tables.files.dialect import Dialect

    decimal = ["." in name and number_of(name, Dialect()) is not None for name in header]
    return sum(decimal) * 2 > len(header)


def _check_widths(header: list[str], rows: list[list[str]], path: Path, key: str) -> None:
    wrong = [place for place, row in enumerate(rows) if len(row) != len(header)]
    if not wrong:
        return
    first, names = rows[wrong[0]], len(header)
    told = f"row {wrong[0] + 1} has {_fields(len(first))}, and the header names {names}"
    more = f" ({len(wrong)} of {len(rows)} rows differ)"
    if len(wrong) == len(rows) and all(len(row) == names + 1 for row in rows):
        if not any(row[-1].strip() for row in rows):
            remedy = "Each row ends in a separator: take it away, or end the header in one too."
        else:
            remedy = "Name the first column in the header, where it numbers the rows, or the last."
    else:
        remedy = "Correct the rows; a cell that holds the separator is written in quotes."
    raise CsvError(Fault(key, path, told + more, remedy))


def _fields(count: int) -> str:
    return f"{count} field" if count == 1 else f"{count} fields"
