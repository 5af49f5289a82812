"""What was typed, before Hydra reads it: text at all, and paths that start at a home folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tlx.errors import ConfigError, Fault
from tlx.texts.names import is_utf8, shown_name

UNQUOTED_KEYS = ("resume",)
"""What tlx reads itself, and not by Hydra's grammar."""


def readable(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the user's home folder in the place of a value's leading `~`.

    A shell puts it there at the start of a word alone, not behind `key=`; Hydra takes no `~`.

    Args:
        arguments: The command line.

    Raises:
        ConfigError: Where an argument, or the folder that paths start from, is not UTF-8.
    """
    faults = [_not_text(*argument.partition("=")[::2]) for argument in _bad(arguments)]
    here = _current_folder()
    if not is_utf8(here):
        faults.append(_not_text("the current folder", here))
    if faults:
        raise ConfigError(faults)
    return [_at_home(argument) for argument in arguments]


def hydra_quoted(text: str) -> str:
    """Return a text as Hydra's grammar reads it back, whatever is in it."""
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + found[2].replace("'", r"\'"), text)
    return "'" + escaped.replace("${", r"\${") + "'"


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # removed meanwhile, which whoever needs it will say
        return ""


def _bad(arguments: Sequence[str]) -> list[str]:
    return [argument for argument in arguments if not is_utf8(argument)]


def _not_text(key: str, value: str) -> Fault:
    reason = "it is not UTF-8, and could be written into no record"
    return Fault(shown_name(key), shown_name(value), reason, "Rename the file or folder.")


def _at_home(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if not equals or key.startswith("-") or not re.fullmatch(r"~[^,\[\]{}()'\"]*", value):
        return argument
    place = Path(value).expanduser() if _has_home(value) else None
    if place is None:
        return argument
    written = str(place) if key.lstrip("+") in UNQUOTED_KEYS else hydra_quoted(str(place))
    return f"{key}={written}"


def _has_home(value: str) -> bool:
    try:
        Path(value).expanduser()
    except RuntimeError:  # of a user that this machine does not know
        return False
    return True
