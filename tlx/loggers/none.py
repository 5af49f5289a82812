"""No logger: the run's own folder has it all."""

from __future__ import annotations

from dataclasses import dataclass

from tlx.errors import Fault
from tlx.loggers.logger import RunAbout


@dataclass(frozen=True)
class NoLogger:
    """Log nowhere but in the run's own files."""

    def faults(self) -> list[Fault]:
        """Return no fault."""
        return []

    def open(self, about: RunAbout) -> None:
        """Return nothing to log to."""
