"""How a table's file is written: separator and encoding, marks in numbers, what says nothing."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

from tlx.errors import Fault

Decimal = Literal["point", "comma"]
Thousands = Literal["comma", "point", "space", "apostrophe"]
SEPARATORS: Final = {
    "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", "colon": ":",
}  # fmt: skip
TAB_SUFFIXES: Final = (".tsv", ".tab")


@dataclass(frozen=True)
class Dialect:
    """How a table's cells are written.

    Args:
        separator: What stands between two cells of a CSV file: a word of `SEPARATORS` or one
            character; None takes the tab for `.tsv` and `.tab`, and the comma for all else.
        encoding: The characters' encoding, as Python names it.
        decimal: The mark before a number's decimals.
        thousands: The mark between groups of three digits; None allows none.
        missing_markers: Cells that say nothing, beside empty ones.
        units: What may stand before or behind the numbers of a column, such as `%`.
        date_format: How dates are written, as `strptime` has it; None takes ISO 8601.
        as_before: Whether pandas guesses the types of each file, as runs had it which were
            recorded before the reading was.
    """

    separator: str | None = None
    encoding: str = "utf-8"
    decimal: Decimal = "point"
    thousands: Thousands | None = None
    missing_markers: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    date_format: str | None = None
    as_before: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Dialect:
        """Return what `to_dict` wrote.

        Raises:
            ValueError: Where a value is of another kind.
        """
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        for name in ("missing_markers", "units"):
            known[name] = tuple(map(str, known.get(name, ())))
        made = cls(**known)
        faults = made.faults()
        if faults:
            raise ValueError(str(faults[0]))
        return made

    def separator_for(self, suffix: str) -> str:
        """Return the character between cells.

        Args:
            suffix: The file's, in lower case.
        """
        if self.separator is None:
            return "\t" if suffix in TAB_SUFFIXES else ","
        return SEPARATORS.get(self.separator, self.separator)

    def faults(self) -> list[Fault]:
        """Return what is wrong with separator, encoding and marks."""
        faults = []
        if self.separator is not None and len(self.separator_for("")) != 1:
            reason = "it is neither a known word nor a single character"
            remedy = f"Choose from: {', '.join(SEPARATORS)}."
            faults.append(Fault("data.separator", self.separator, reason, remedy))
        if self.separator is not None and self.separator_for("") in ('"', "\n", "\r", "\0"):
            reason = "it cannot stand between cells"
            remedy = f"Choose from: {', '.join(SEPARATORS)}."
            faults.append(Fault("data.separator", repr(self.separator), reason, remedy))
        if not _is_encoding(self.encoding):
            remedy = "Give a name such as utf-8, utf-16, latin-1 or cp1252."
            faults.append(Fault("data.encoding", self.encoding, "no encoding has the name", remedy))
        if self.thousands == self.decimal:
            reason = f"data.decimal={self.decimal} is the same mark"
            remedy = "Choose another mark for one of them."
            faults.append(Fault("data.thousands", self.thousands, reason, remedy))
        return faults

    def against(self, earlier: Dialect) -> list[Fault]:
        """Return where what is said of cells goes against an earlier run's reading.

        A file's separator and encoding are its own.
        """
        remedy = "Leave it out: data.preparation brings the reading with it."
        plain = Dialect()
        faults = []
        for name in ("decimal", "thousands", "missing_markers", "units", "date_format"):
            said, known = getattr(self, name), getattr(earlier, name)
            if said not in (getattr(plain, name), known):
                reason = f"the preparation reads with {_words(known)}"
                faults.append(Fault(f"data.{name}", _words(said), reason, remedy))
        return faults


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _is_encoding(name: str) -> bool:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, TypeError):
        return False
    return bool(getattr(found, "_is_text_encoding", True)) and found.name not in (
        "undefined", "unicode-escape", "raw-unicode-escape", "idna", "punycode",
    )  # fmt: skip
