"""Hydra's override strings as columns of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tlx.sweeps.plain_values import unicode_text

Value = int | float | bool | str | None

_INTEGER = re.compile(r"[+-]?\d+(_\d+)*")
_FLOAT = re.compile(r"[+-]?(\d[\d_]*(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|nan)", re.I)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def override_values(overrides: Iterable[str]) -> dict[str, Value]:
    """Return what each override sets.

    Args:
        overrides: Such as `["strategy=partial", "+trainer.epochs=3", "~scheduler"]`.

    Returns:
        Such as `{"strategy": "partial", "trainer.epochs": 3, "~scheduler": None}`: plus signs are
        left out, simple values typed as Hydra's grammar does, lists and mappings kept as text.
    """
    values: dict[str, Value] = {}
    for override in overrides:
        key, _, text = unicode_text(override).partition("=")
        values[key.strip().lstrip("+")] = _value(text.strip()) if text else None
    return values


def is_seed(key: str) -> bool:
    """Return whether an override only asks for a repetition: `seed`, or a fold of `data.folds`."""
    return key.split(".")[-1] in ("seed", "fold")


def _value(text: str) -> Value:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace(f"\\{text[0]}", text[0])
    return text
