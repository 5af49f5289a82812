"""CSV files as strangers write them: each way to be read otherwise than it looks is one error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.tables.strangers import stranger, written_text
from tlx.data.tables.table_csv import TableCsv

TEXT = stranger().to_csv(index=False)
LINES = TEXT.splitlines()


def fault(path: str, **options: Any) -> str:
    (found,) = TableCsv(path=path, **options).faults()
    return str(found).replace(path, "FILE")


def lines(*changed: str) -> str:
    return "\n".join(changed) + "\n"


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "separators at each row's end": (
        lines(LINES[0], *(f"{line}," for line in LINES[1:])),
        "data.path=FILE: row 1 has 3 fields, and the header names 2 (240 of 240 rows differ). "
        "Each row ends in a separator: take it away, or end the header in one too.",
    ),
    "an index without a name": (
        lines(LINES[0], *(f"{place},{line}" for place, line in enumerate(LINES[1:]))),
        "data.path=FILE: row 1 has 3 fields, and the header names 2 (240 of 240 rows differ). "
        "Name the first column in the header, where it numbers the rows, or the last.",
    ),
    "one longer row": (
        f"{TEXT}1,2,3\n",
        "data.path=FILE: row 241 has 3 fields, and the header names 2 (1 of 241 rows differ). "
        "Correct the rows; a cell that holds the separator is written in quotes.",
    ),
    "one shorter row": (
        f"{TEXT}1\n",
        "data.path=FILE: row 241 has 1 field, and the header names 2 (1 of 241 rows differ). "
        "Correct the rows; a cell that holds the separator is written in quotes.",
    ),
    "semicolons": (
        TEXT.replace(",", ";"),
        "data.separator=',': it gives FILE a single column, 'a;label'. "
        "Give data.separator=semicolon.",
    ),
    "tabs": (
        TEXT.replace(",", "\t"),
        "data.separator=',': it gives FILE a single column, 'a\\tlabel'. Give data.separator=tab.",
    ),
    "Latin-1": (
        TEXT.replace("x", "é").encode("latin-1"),
        "data.encoding=utf-8: FILE has the byte 0xe9, which is none of utf-8, in row 1, character "
        "7 ('0.025,\ufffd'). Give the encoding that it is written in, such as "
        "data.encoding=latin-1 or cp1252.",
    ),
    "UTF-16": (
        TEXT.encode("utf-16"),
        "data.path=FILE: it starts as UTF-16 does, and not as text in utf-8. "
        "Give data.encoding=utf-16.",
    ),
    "a zip archive": (
        b"PK\x03\x04rest",
        "data.path=FILE: it is a zip archive, and not as text in utf-8. Unpack it.",
    ),
    "a zero byte": (
        TEXT.encode() + b"\0,x\n",
        "data.encoding=utf-8: FILE has a zero byte (row 241), so that it is not text in utf-8. "
        "Give the file's encoding, such as utf-16, or a CSV or Parquet file.",
    ),
    "a name twice": (
        TEXT.replace("a,label", "a,a", 1),
        "data.path=FILE: the header names 'a' more than once (columns 1, 2). "
        "Give each column a name of its own.",
    ),
    "no header": (
        "5.1,3.5,x\n4.9,3.0,y\n",
        "data.path=FILE: its first row holds numbers (5.1, 3.5, x), and not the columns' names. "
        "Write a header above it.",
    ),
    "an open quote": (
        f'{TEXT}"1,x\n',
        "data.path=FILE: row 241 breaks off or has a quote amiss (unexpected end of data). "
        "Close each quote, and write a quote within a quoted cell twice.",
    ),
    "nothing": ("", "data.path=FILE: it is empty. Give a table with a header and rows."),
    "a header alone": ("a,label\n", "data.path=FILE: it has no rows. Add some."),
}


@pytest.mark.parametrize("what", BROKEN)
def test_csv_that_would_be_read_otherwise_is_refused_with_its_row(
    what: str, tmp_path: Path
) -> None:
    content, said = BROKEN[what]
    assert fault(written_text(tmp_path, content)) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encoding": "utf8x"}, "data.encoding=utf8x: no encoding has the name. "),
        ({"encoding": "rot13"}, "data.encoding=rot13: no encoding has the name. "),
        ({"separator": "semikolon"}, "data.separator=semikolon: it is neither a known word nor a "),
        ({"separator": '"'}, "data.separator='\"': it cannot stand between cells. Choose from: "),
        ({"thousands": "point"}, "data.thousands=point: data.decimal=point is the same mark. "),
    ],
)
def test_csv_options_that_cannot_be_are_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert fault(written_text(tmp_path, TEXT), **options).startswith(said)


@pytest.mark.parametrize(
    ("content", "name", "options"),
    [
        (TEXT.replace(",", ";"), "t.csv", {"separator": "semicolon"}),
        (TEXT.replace(",", "~"), "t.csv", {"separator": "~"}),
        (TEXT.replace(",", "\t"), "t.tsv", {}),
        (b"\xef\xbb\xbf" + TEXT.encode(), "t.csv", {}),
        (TEXT.encode("utf-16"), "t.csv", {"encoding": "utf-16"}),
        (TEXT.replace("\n", "\r\n"), "t.csv", {}),
        (TEXT.replace("\n", "\n\n"), "t.csv", {}),
        (lines(*(f"{line}," for line in LINES)), "t.csv", {}),
    ],
    ids=["semicolon", "character", "tsv", "bom", "utf16", "crlf", "blank lines", "empty column"],
)
def test_csv_in_another_dialect_gives_the_same_task(
    content: str | bytes, name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    plain = TableCsv(path=written_text(tmp_path, TEXT, "plain.csv")).load()
    task = TableCsv(path=written_text(tmp_path, content, name), **options).load()
    assert task.fingerprint == plain.fingerprint
