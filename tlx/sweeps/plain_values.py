"""Values of any program as what JSON, CSV and Parquet can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def unicode_text(text: str) -> str:
    """Return a text that can be written as UTF-8: lone surrogates become backslash escapes."""
    return _SURROGATE.sub(lambda found: rf"\u{ord(found[0]):04x}", text)


def plain_value(value: Any) -> Any:
    """Return a value as JSON holds it.

    Numbers of NumPy and torch become plain ones, tuples lists, and anything JSON has no form for
    its text.
    """
    try:
        text = json.dumps(value, default=_plain_object, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return unicode_text(repr(value))
    return json.loads(_SURROGATE.sub(lambda found: rf"\\u{ord(found[0]):04x}", text))


def is_number(value: Any) -> bool:
    """Return whether a plain value is a number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_float(value: int | float) -> float:
    """Return a number as a float; whole numbers beyond its range are infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def flat_numbers(tree: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the numbers of nested mappings under joined names.

    Args:
        tree: Such as `{"test": {"accuracy": 0.9, "per_class": [...]}}`.
        prefix: What each name starts with.

    Returns:
        Such as `{"test_accuracy": 0.9}`; lists, texts and booleans are left out.
    """
    flat: dict[str, float] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flat_numbers(value, f"{prefix}{key}_")
        elif is_number(value):
            flat[f"{prefix}{key}"] = as_float(value)
    return flat


def _plain_object(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    for method in ("tolist", "item"):  # arrays, then scalars, of NumPy and torch
        if callable(getattr(value, method, None)):
            return getattr(value, method)()
    return sorted(value, key=repr) if isinstance(value, set | frozenset) else str(value)
