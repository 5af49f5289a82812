"""What a command says of an error, on stderr."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

from tlx.texts.bounded import ERROR_CHARACTERS, TRACEBACK_CHARACTERS, error_text, record_text
from tlx.texts.shown import shown


def tell(command: str, error: BaseException, otherwise: str = "") -> None:
    """Print an error: its command, then its text without secrets, bounded and escaped.

    Args:
        command: The command's name (`tlx.predict`).
        error: What ended it.
        otherwise: What to say where the error has no text.
    """
    text = error_text(error, 10 * ERROR_CHARACTERS) or otherwise or type(error).__name__
    print(f"{command}: {shown(text)}", file=sys.stderr)


def tell_tracebacks_safely() -> None:
    """Have Python print the traceback that ends this program without secrets, and bounded."""
    sys.excepthook = _print_traceback


def _print_traceback(
    kind: type[BaseException], error: BaseException, frames: TracebackType | None
) -> None:
    lines = "".join(traceback.format_exception(kind, error, frames))
    print(shown(record_text(lines, TRACEBACK_CHARACTERS)), end="", file=sys.stderr)
