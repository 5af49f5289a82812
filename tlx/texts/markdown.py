"""Texts from outside in Markdown: they cannot change its structure, nor bring HTML along."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tlx.texts.bounded import bounded
from tlx.texts.shown import shown_line

TEXT_CHARACTERS = 1_000
"""Most of one text in a card; a class name of a megabyte is no name."""

CODE_CHARACTERS = 10_000
"""Most of what is written as code, such as a long command."""

_NOT_IN_CODE = frozenset("`<>")
_MARKS = re.compile(r"([\\`*\[\]|~#!$])|(?<!\w)(_)|(_)(?!\w)")
_AT_START = re.compile(r"^(\s*)([-+=](?=[-+=\s]|$)|\d+[.)](?=\s|$))")
_LINK = re.compile(r"(?i)(\w):(?=//)|\b(www)\.")


def markdown_text(text: str) -> str:
    """Return a text for one line of Markdown, where it stands for itself.

    Marks of Markdown are escaped, as are HTML's; control characters and newlines are shown as
    escapes, and addresses become no links.

    Args:
        text: Any text.
    """
    safe = bounded(shown_line(text), TEXT_CHARACTERS)
    safe = _MARKS.sub(r"\\\g<0>", safe)
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _LINK.sub(lambda found: rf"{found[1]}\:" if found[1] else rf"{found[2]}\.", safe)
    return _AT_START.sub(lambda found: f"{found[1]}{_escaped_start(found[2])}", safe)


def markdown_code(text: str) -> str:
    """Return a text as inline code, or as plain text where it would not stay inside."""
    stays = bool(text.strip()) and text.isprintable() and not _NOT_IN_CODE & set(text)
    return f"`{text}`" if stays and len(text) <= CODE_CHARACTERS else markdown_text(text)


def markdown_names(names: Iterable[str]) -> str:
    """Return names in one line, with commas between them."""
    return ", ".join(map(markdown_text, names))


def _escaped_start(mark: str) -> str:
    return f"{mark[:-1]}\\{mark[-1]}"
