"""Python's values as the words of a command line: `trainer__epochs=5` as `trainer.epochs=5`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from tlx.config.typed.quoting import quoted
from tlx.errors import TlxError


def words_of(options: Mapping[str, Any]) -> list[str]:
    """Return options as overrides.

    Args:
        options: Values by name; two underscores stand for a dot.

    Raises:
        TlxError: Where a value has no form on a command line.
    """
    return [f"{_key(name)}={_text(name, value)}" for name, value in options.items()]


def swept_words_of(options: Mapping[str, Any]) -> list[str]:
    """Return options as overrides, of which lists and tuples give several values to sweep.

    Args:
        options: Values by name; two underscores stand for a dot.

    Raises:
        TlxError: Where a value has no form on a command line, or a list is empty.
    """
    words = []
    for name, value in options.items():
        values = list(value) if isinstance(value, list | tuple) else [value]
        if not values:
            raise TlxError(f"{name}=[] has no value to sweep over. Give one or more.")
        words.append(f"{_key(name)}={','.join(_text(name, one) for one in values)}")
    return words


def _key(name: str) -> str:
    return name.replace("__", ".")


def _text(name: str, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else str(float(value))
    if isinstance(value, str | os.PathLike):
        return quoted(os.fspath(value))
    if isinstance(value, Mapping):
        pairs = (f"{quoted(str(key))}:{_text(name, one)}" for key, one in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(name, one) for one in value) + "]"
    if hasattr(value, "item"):  # numpy's numbers
        return _text(name, value.item())
    kind = type(value).__name__
    raise TlxError(
        f"{name}: a {kind} has no form on a command line. "
        "Give text, a number, true or false, None, or lists and mappings of them."
    )
