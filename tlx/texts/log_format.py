"""How log lines are written: without secrets, of bounded size, steering no terminal."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from typing import cast

from tlx.texts.bounded import TRACEBACK_CHARACTERS, record_text
from tlx.texts.shown import shown


class OwnFileHandler(logging.FileHandler):
    """Appends to a file as `logging.FileHandler` does, but never to where a link leads.

    Configured as the `class` of a handler; opening a symbolic link is an `OSError`.
    """

    def _open(self) -> TextIOWrapper:
        file = open(self.baseFilename, self.mode, encoding=self.encoding, opener=_opened)  # noqa: SIM115
        return cast("TextIOWrapper", file)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


class SafeFormatter(logging.Formatter):
    """Formats as `logging.Formatter` does, then leaves secrets out and escapes control characters.

    Configured as the `class` of a formatter; it takes the same options.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, with its traceback below where it has one."""
        return shown(record_text(super().format(record), TRACEBACK_CHARACTERS).expandtabs())
