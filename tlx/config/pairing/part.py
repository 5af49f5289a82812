"""One key of a `zip(...)` with its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from tlx.config.choices.groups import group_options
from tlx.config.typed.unreadable import unreadable
from tlx.errors import Fault

EXAMPLE: Final = "'zip(optimizer.lr=[1e-3,1e-2],trainer.epochs=[20,10])'"


def sweep_of(part: str) -> tuple[str, str] | Fault:
    """Return a key and the sweep of its values, or what is wrong with them.

    Args:
        part: Such as `optimizer.lr=[1e-3,1e-2]`.
    """
    key, sign, text = part.partition("=")
    if not sign:
        reason = f"{part or 'nothing'} stands in it for KEY=[VALUES]"
        return Fault("zip", f"({part})", reason, f"Write the values of a key as a list: {EXAMPLE}.")
    try:
        override = OverridesParser.create().parse_override(part)
    except HydraException:
        reason = "cannot be read as an override"
        told = unreadable(part, group_options()).fault
        return told or Fault(key, text, reason, f"Write {EXAMPLE}.")
    for reason, remedy in _objections(override):
        return Fault(f"zip({key.strip()}", f"{text.strip()})", reason, remedy)
    if override.is_sweep_override():
        return override.get_key_element(), part
    inner = text.strip()[1:-1].strip()
    return override.get_key_element(), f"{key.strip()}={inner}"


def _objections(override: Override) -> Iterator[tuple[str, str]]:
    """Yield why an override cannot stand in a `zip(...)`, with the remedy."""
    key = override.key_or_group
    if override.is_delete():
        yield "what is removed has no values", f"Write ~{key} beside the zip."
    elif override.is_hydra_override():
        yield "an option of Hydra's is one for the whole sweep", f"Write {key} beside the zip."
    elif override.is_sweep_override():
        if not override.is_discrete_sweep():
            yield "an interval has no end of values", "Write a list, or range(start, stop, step)."
    elif not (isinstance(override.value(), list) and _value(override).startswith("[")):
        yield "it is one value and no list", f"Write {key}=[VALUES], or the value beside the zip."
    elif not override.value():
        yield "it has no values", f"Write {key}=[VALUES]."


def _value(override: Override) -> str:
    return str(override.input_line).partition("=")[2].strip()
