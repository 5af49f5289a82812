"""Cut what stands between brackets at its own commas, and at no comma further in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


def pieces(text: str) -> list[str] | None:
    """Return the parts of a text between its outermost commas, without spaces around them.

    Args:
        text: Such as `a=[1,2],b='x, y'`; brackets and quotes are those of Hydra's grammar.

    Returns:
        None where a bracket or a quote is not closed.
    """
    cuts, expected = [-1], ""
    for place, mark in _outside_quotes(text):
        if mark in _CLOSING:
            expected += _CLOSING[mark]
        elif mark in _CLOSING.values():
            if not expected.endswith(mark):
                return None
            expected = expected[:-1]
        elif mark == "," and not expected:
            cuts.append(place)
        elif mark in "'\"":
            return None
    if expected:
        return None
    ends = [*cuts[1:], len(text)]
    return [text[start + 1 : end].strip() for start, end in zip(cuts, ends, strict=True)]


def _outside_quotes(text: str) -> Iterator[tuple[int, str]]:
    """Yield the characters that no quote and no backslash takes, and a quote that stays open."""
    place = 0
    while place < len(text):
        mark = text[place]
        if mark == "\\":
            place += 2
            continue
        end = _end_of_quote(text, place) if mark in "'\"" else place
        if end is None or mark not in "'\"":
            yield place, mark
        place = (place if end is None else end) + 1


def _end_of_quote(text: str, start: int) -> int | None:
    place = start + 1
    while place < len(text) and text[place] != text[start]:
        place += 2 if text[place] == "\\" else 1
    return place if place < len(text) else None
