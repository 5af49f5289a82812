"""Errors that speak to the user: the wrong value, the reason and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tlx.texts.bounded import record_text
from tlx.texts.redaction import redact_argument
from tlx.texts.shown import shown_line


class TlxError(Exception):
    """A fault the user can mend. Commands print it without a traceback unless `debug=true`."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with what the user asked for.

    Args:
        key: The option at fault, in dotted form (`data.train_per_class`).
        value: The value it was given.
        reason: Why the value cannot be used.
        remedy: What to write instead, or the valid choices.
    """

    key: str
    value: object
    reason: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault as one line, without secrets and without control characters."""
        asked = redact_argument(record_text(f"{self.key}={self.value}"))
        return shown_line(f"{asked}: {record_text(f'{self.reason}. {self.remedy}')}")


class ConfigError(TlxError):
    """All the faults of one configuration, found before any work started."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(tuple(faults))
        self.faults = tuple(faults)

    def __str__(self) -> str:
        """Return one line per fault."""
        return "\n".join(str(fault) for fault in self.faults)


def did_you_mean(value: str, choices: Iterable[str]) -> str:
    """Return a remedy that names the closest choices, or all of them where none is close.

    Args:
        value: What the user wrote.
        choices: The valid values.

    Returns:
        A sentence such as `Did you mean 'partial'?` or `Choose from: a, b, c.`
    """
    known = sorted(set(choices))
    close = difflib.get_close_matches(value, known, n=3, cutoff=0.6)
    likeness = [difflib.SequenceMatcher(None, value, name).ratio() for name in close]
    close = [name for name, ratio in zip(close, likeness, strict=True) if ratio > likeness[0] - 0.1]
    if close:
        return f"Did you mean {' or '.join(repr(name) for name in close)}?"
    shown = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    return f"Choose from: {shown}."
