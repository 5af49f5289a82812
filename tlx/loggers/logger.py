"""What a logger is: chosen in the configuration, opened for a run, told of epochs and the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tlx.errors import Fault
from tlx.extras import install_command, missing_modules

Plain = str | int | float | bool


@dataclass(frozen=True)
class RunAbout:
    """A run as loggers see it at its start.

    Args:
        folder: The run's folder.
        params: Every option of the run, by dotted name (`optimizer.lr`).
        log_id: How the logger called this run before it was broken off; None for a new run.
    """

    folder: Path
    params: Mapping[str, Plain]
    log_id: str | None = None

    @property
    def name(self) -> str:
        """The last two parts of the folder, as `12-00-00-1a2b3c-sweep/0`."""
        return "/".join(self.folder.absolute().parts[-2:])


@dataclass(frozen=True)
class RunEnd:
    """A run as loggers see it at its end.

    Args:
        completed: Whether it ended well.
        summary: Its final scores and counts.
        files: What it wrote, by name; to be named and not copied.
    """

    completed: bool
    summary: Mapping[str, float]
    files: Mapping[str, Path]


class OpenLog(Protocol):
    """A logger at work on one run."""

    @property
    def log_id(self) -> str | None:
        """How the logger calls the run, to go on with it later; None where it needs no name."""

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of an epoch (counted from 1)."""

    def end(self, end: RunEnd) -> None:
        """Take the summary, and close."""


class LoggerChoice(Protocol):
    """A logger as the configuration chooses it."""

    def faults(self) -> list[Fault]:
        """Return why it cannot be used, before any work."""

    def open(self, about: RunAbout) -> OpenLog | None:
        """Return it opened for a run; None where nothing is to be logged."""


def missing_package_faults(extra: str) -> list[Fault]:
    """Return a fault where an extra's packages are not installed.

    Args:
        extra: The extra of tlx, which has its logger's name.
    """
    missing = missing_modules(extra)
    if not missing:
        return []
    verb = "is" if len(missing) == 1 else "are"
    reason = f"{', '.join(missing)} {verb} not installed"
    return [Fault("logger", extra, reason, f"Run {install_command(extra)}, or use logger=none.")]
