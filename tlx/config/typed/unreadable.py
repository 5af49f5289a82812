"""What to write instead of a word that Hydra's grammar cannot read, or reads as something else."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from tlx.errors import Fault

OPENING: Final = ("[", "{", "(")
"""A value that begins so may be a list or a mapping and not a text."""
_MARKS: Final = "=[](){},#&;'\"~!<>\n"


@dataclass(frozen=True)
class Unreadable:
    """A word that cannot be read.

    Args:
        fault: What is wrong with it; None where its value is judged as an option's name.
        meant: The override of the value as a text, to go on checking with; None where quotes cannot
            say it.
    """

    fault: Fault | None
    meant: Override | None = None


def unreadable(argument: str, groups: Collection[str]) -> Unreadable:
    """Return what is wrong with a word that Hydra's grammar refused.

    Args:
        argument: The word as it reached the program.
        groups: Names of the config groups, whose values are options and no texts.
    """
    key, separator, value = argument.partition("=")
    reason = "cannot be read as an override"
    if not separator:
        remedy = f"Write key=value; a value with spaces is quoted as a whole: 'key=a {_own(key)}'."
        return Unreadable(Fault(key, value, reason, remedy))
    meant = as_text(key, value)
    if meant is None:
        remedy = "Write key=value; quote what has spaces, commas or brackets: 'key=\"a, b\"'."
        return Unreadable(Fault(key, value, reason, remedy))
    if key in groups:
        return Unreadable(None, meant)
    if value.startswith(OPENING):
        remedy = f"Close each bracket, or quote it where it belongs to a name: {in_shell(meant)}"
        return Unreadable(Fault(key, value, reason, remedy), meant)
    marks = " ".join(dict.fromkeys(mark for mark in value if mark in _MARKS or not mark.isascii()))
    remedy = f"Quote what has {marks!r} in it, for Hydra and for the shell: {in_shell(meant)}"
    return Unreadable(Fault(key, value, reason, remedy), meant)


def as_text(key: str, value: str) -> Override | None:
    """Return an override whose value is a text as it stands; None where quotes cannot say it.

    Args:
        key: The key, with `+` or `~` before it as typed.
        value: The text.
    """
    if "${" in value:
        return None
    parser = OverridesParser.create()
    for mark in ('"', "'"):
        inner = value.replace(mark, f"\\{mark}")
        try:
            override = parser.parse_override(f"{key}={mark}{inner}{mark}")
        except HydraException:
            continue
        if override.value() == value:
            return override
    return None


def file_with_commas(override: Override) -> Override | None:
    """Return the override that a file's name with commas was meant to be; None where none is there.

    Args:
        override: One that Hydra reads as several values.
    """
    key, _, value = str(override.input_line).partition("=")
    return as_text(key, value) if Path(value).expanduser().exists() else None


def in_shell(override: Override) -> str:
    """Return an override as it is typed into a shell."""
    return shlex.quote(str(override.input_line))


def _own(word: str) -> str:
    return word if word.isprintable() and "'" not in word else "b"
