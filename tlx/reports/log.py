"""tlx's log: plain lines on the console, dated lines in the run's folder."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tlx.runs.disk import disk_error
from tlx.texts.log_format import OwnFileHandler, SafeFormatter
from tlx.texts.shown import shown

LOG_FILE = "train.log"


class LogFile(OwnFileHandler):
    """A log that a full disk ends in one sentence, and not in a traceback for each line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Tell once that nothing more is written, where that is the disk's doing."""
        error = sys.exc_info()[1]
        told = None if error is None else disk_error(error, Path(self.baseFilename))
        if told is None:
            super().handleError(record)
            return
        self.setLevel(logging.CRITICAL + 1)
        print(f"{shown(str(told))} The log goes on without it.", file=sys.stderr)

    def close(self) -> None:
        """Close the file; lines that found no room are lost."""
        with suppress(OSError):
            super().close()


@contextmanager
def logged_to(folder: Path, *, verbose: bool = True) -> Iterator[None]:
    """Log as `log_to` does while the block runs, and as before afterwards.

    Args:
        folder: The run's folder.
        verbose: Whether the console shows all lines; else warnings alone, on stderr.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers = []  # `log_to` closes those that it finds
    try:
        log_to(folder)
        if not verbose:
            _only_warnings(root.handlers[0])
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers = handlers
        root.setLevel(level)


def _only_warnings(console: logging.Handler) -> None:
    assert isinstance(console, logging.StreamHandler), "log_to puts the console first"
    console.setStream(sys.stderr)
    console.setLevel(logging.WARNING)


def log_to(folder: Path) -> None:
    """Send tlx's log to the console and append it to a run's file.

    Under Hydra this is not needed, since Hydra sets up the same from its configuration.
    """
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(SafeFormatter("%(message)s"))
    file = LogFile(folder / LOG_FILE)
    file.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console, file], force=True)
