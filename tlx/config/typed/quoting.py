"""Put text into Hydra's overrides so that it is read as the same text, whatever is in it."""

from __future__ import annotations

import re

REFERENCE = "${"
_BEFORE_QUOTE = re.compile(r"(\\*)'")
_BEFORE_REFERENCE = re.compile(r"(\\*)\$\{")


def quoted(text: str) -> str:
    """Return text as the value of an override (`data.root='a, b'`).

    Args:
        text: Such as a path; `${` in it stays as it is and fills nothing in.
    """
    return in_quotes(without_references(text))


def in_quotes(text: str) -> str:
    """Return text in the quotes of Hydra's grammar.

    For what is no node of the configuration (`hydra.searchpath`), where `${` means nothing.
    """
    inner = _BEFORE_QUOTE.sub(lambda found: found[1] * 2 + r"\'", text)
    trailing = len(inner) - len(inner.rstrip("\\"))
    return "'" + inner + "\\" * trailing + "'"


def without_references(text: str) -> str:
    """Return text that OmegaConf resolves to the same text, its `${` escaped."""
    return _BEFORE_REFERENCE.sub(lambda found: found[1] * 2 + r"\${", text)
