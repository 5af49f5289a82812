"""Records read from JSON files: each value has the type that its field asks for, or a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tlx.runs.stored import DamagedFileError, read_json

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Record = TypeVar("Record")
SHOWN_FAULTS = 3
SHOWN_CHARACTERS = 40


def read_record(path: Path, kind: type[Record]) -> Record:
    """Return what a JSON file tells, as a dataclass; what later versions added is left out.

    Args:
        path: The file.
        kind: The dataclass, whose annotations are the schema.

    Raises:
        FileNotFoundError: Where there is no file.
        DamagedFileError: Where it cannot be read, or a value has a wrong type.
    """
    try:
        return record_of(read_json(path), kind)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(str(error)) from error
    except DamagedFileError:
        raise
    except OSError as error:
        raise DamagedFileError(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise DamagedFileError(path, str(error)) from error


def record_of(content: Any, kind: type[Record]) -> Record:
    """Return plain values as a dataclass.

    Args:
        content: A mapping; lists stand for tuples.
        kind: The dataclass.

    Raises:
        ValueError: Where it is no mapping, or a value has a wrong type; names the values.
    """
    from pydantic import ValidationError

    if not isinstance(content, Mapping):
        raise ValueError("it holds no JSON object")
    known = {one.name for one in fields(cast(Any, kind))}
    values = {key: value for key, value in content.items() if key in known}
    try:
        # As JSON, a list stands for a tuple, whole numbers for any, and nothing else for another.
        found: Record = _adapter(cast(Any, kind)).validate_json(json.dumps(values), strict=True)
        return found
    except ValidationError as error:
        faults = [_words(one) for one in error.errors(include_url=False)]
        more = f"; and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise ValueError("; ".join(faults[:SHOWN_FAULTS]) + more) from None


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _words(fault: Mapping[str, Any]) -> str:
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] in ("missing", "missing_argument"):
        return f"{name} is missing"
    reason = str(fault["msg"]).removeprefix("Input ").rstrip(".")
    return f"{name} {reason}, not {_short(fault['input'])}"


def _short(value: Any) -> str:
    """Return a value in few characters, without writing all of it out first."""
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a number of {value.bit_length()} bits"
    text = repr(value[: SHOWN_CHARACTERS + 1] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
