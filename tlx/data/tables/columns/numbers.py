"""Text as numbers, by the marks and units that a table is said to use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tlx.data.tables.files.dialect import Dialect

CHARACTERS: Final = {
    "point": r"\.", "comma": ",", "space": "[ \u00a0\u202f]", "apostrophe": "['\u2019]",
}  # fmt: skip


def number_of(text: str, dialect: Dialect, unit: str = "") -> float | None:
    """Return the number that a cell says, or None where it says none.

    Args:
        text: The cell.
        dialect: Names the marks.
        unit: What stands before or behind each number of the column.
    """
    text = text.strip()
    if unit:
        text = without_unit(text, unit)
    if dialect.decimal == "point" and dialect.thousands is None:
        return _plain(text)
    written = _pattern(dialect.decimal, dialect.thousands).fullmatch(text)
    if written is None:
        return _plain(text) if text.lstrip("+-").lower() in ("inf", "infinity") else None
    sign, whole, decimals, exponent = written.group("sign", "whole", "decimals", "exponent")
    digits = re.sub(r"\D", "", whole)
    return float(f"{sign}{digits or '0'}.{decimals or '0'}{exponent or ''}")


def _plain(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    # What Python reads beyond what tables mean: 1_000, other alphabets' digits, and nan.
    return None if value != value or "_" in text or not text.isascii() else value


@lru_cache(maxsize=32)
def _pattern(decimal: str, thousands: str | None) -> re.Pattern[str]:
    groups = rf"\d{{1,3}}(?:{CHARACTERS[thousands]}\d{{3}})+|" if thousands else ""
    return re.compile(
        rf"(?P<sign>[+-]?)(?=[\d.,])(?P<whole>{groups}\d*)"
        rf"(?:{CHARACTERS[decimal]}(?P<decimals>\d*))?(?P<exponent>[eE][+-]?\d+)?",
        re.ASCII,
    )


def without_unit(text: str, unit: str) -> str:
    """Return a cell without its unit; empty where it has none."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    if text.endswith(unit):
        return text[: -len(unit)].rstrip()
    if text.startswith(unit):
        return text[len(unit) :].lstrip()
    if sign and text[1:].startswith(unit):
        return sign + text[1 + len(unit) :].lstrip()
    return ""


def unit_of(text: str, units: tuple[str, ...]) -> str:
    """Return the unit that a cell has, of some; the longest one where several fit."""
    found = [unit for unit in units if unit and without_unit(text.strip(), unit)]
    return max(found, key=len, default="")


def unit_in(cells: Iterable[str | None], dialect: Dialect) -> str:
    """Return the unit of a column's numbers; empty where they have none, or not all the same.

    Args:
        cells: Text, None where missing.
        dialect: Names the units that there may be.
    """
    if not dialect.units:
        return ""
    found = {unit_of(text, dialect.units) for text in cells if text is not None} - {""}
    return next(iter(found)) if len(found) == 1 else ""
