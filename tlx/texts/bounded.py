"""Texts of bounded size: head and tail are kept, and what is left out is said."""

from __future__ import annotations

from typing import Final

from tlx.texts.redaction import redact_text

ERROR_CHARACTERS: Final = 2_000
"""Most of an error's text, in tables, on the console and in records."""

TRACEBACK_CHARACTERS: Final = 1_000_000
"""Most of a traceback in a job's record."""

LINE_CHARACTERS: Final = 500
"""Most of one line of a log or a traceback on the console."""


def bounded(text: str, most: int = ERROR_CHARACTERS) -> str:
    """Return a text of about `most` characters: two thirds from its head, the rest from its tail.

    Args:
        text: Any text.
        most: Characters to keep; a longer text also says how many were left out.
    """
    if len(text) <= most:
        return text
    head = most * 2 // 3
    tail = most - head
    return f"{text[:head]} ... {len(text) - most:,} characters left out ... {text[-tail:]}"


def record_text(text: str, most: int = ERROR_CHARACTERS) -> str:
    """Return a text for a record: without secrets, and bounded.

    What is cut is cut twice, so that a huge text costs no long search for secrets.

    Args:
        text: Any text.
        most: Characters to keep.
    """
    return bounded(redact_text(bounded(text, TRACEBACK_CHARACTERS)), most)


def error_text(error: BaseException, most: int = ERROR_CHARACTERS) -> str:
    """Return what an exception says, for a record; never raises.

    Args:
        error: Any exception, also one whose `__str__` raises or gives no text.
        most: Characters to keep.
    """
    try:
        text = str(error)
    except Exception as fault:
        text = f"(its message cannot be made: {type(fault).__name__})"
    return record_text(text, most)
