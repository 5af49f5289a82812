"""Names that others gave to files and classes: whether they are text, and how they are shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from tlx.texts.shown import shown_line

MOST_NAMES: Final = 5


def is_utf8(name: str) -> bool:
    """Return whether a name is text; Python keeps the bytes of others as lone surrogates."""
    return name.isascii() or name == name.encode(errors="ignore").decode()


def shown_name(name: str) -> str:
    r"""Return a name in one line that a terminal may show: bytes that are no text as `\xe9`."""
    if is_utf8(name):
        return shown_line(name)
    try:
        content = name.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return shown_line(name)
    return shown_line(content.decode(errors="backslashreplace"))


def composed_form(name: str) -> str:
    """Return a name in Unicode's composed form (NFC), in which equal letters are equal text."""
    return unicodedata.normalize("NFC", name)


def likeness(name: str) -> str:
    """Return what names have in common that differ in case, spaces or form of letters alone."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def shortened(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return the first of some names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
