"""Texts from outside as a terminal may show them: what would steer it is shown escaped."""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Scripts and emoji need them, and they move nothing."""


def shown(text: str) -> str:
    r"""Return a text whose control characters are escaped, such as `\x1b`; lines stay lines.

    Escaped are C0 and C1, marks that turn the direction of writing, separators of lines and
    paragraphs, lone surrogates, and whatever else has no picture.

    Args:
        text: Any text, with newlines where it has several lines.
    """
    if text.isprintable():
        return text
    return "".join(one if _is_harmless(one) or one == "\n" else _escaped(one) for one in text)


def shown_line(text: str) -> str:
    r"""Return a text as `shown` does, in one line: a newline becomes `\n`."""
    return shown(text).replace("\n", "\\n")


def _is_harmless(one: str) -> bool:
    return one.isprintable() or one in _JOINERS or unicodedata.category(one) == "Zs"


def _escaped(one: str) -> str:
    return one.encode("unicode_escape", "surrogatepass").decode("ascii")
