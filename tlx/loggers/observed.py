"""Tell a run's logger of its epochs and of its end. A logger that fails never harms the run."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.loggers.logger import LoggerChoice, OpenLog, Plain, RunAbout, RunEnd
from tlx.runs.atomic import write_json
from tlx.runs.history_file import history_numbers
from tlx.runs.stored import DamagedFileError, read_json
from tlx.texts.bounded import error_text

if TYPE_CHECKING:
    from tlx.runs.run import Run

LOG_FILE = "logger.json"
COUNTERS = ("epoch", "point")
"""What rows of the history are counted by: a fit's, a probe's."""
_LOG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,127}")
"""W&B makes a folder of it, so that nothing else may come out of a file."""

log = logging.getLogger("tlx")


class RunObserver:
    """Passes a run's epochs and its end on to its logger.

    Args:
        choice: The logger.
        run: The run.
        params: The run's options, by dotted name.
    """

    def __init__(self, choice: LoggerChoice, run: Run, params: Mapping[str, Plain]) -> None:
        self._run = run
        self._told = run.last_checkpoint is not None  # an earlier attempt told of its epochs
        self._log: OpenLog | None = None
        self._guarded(lambda: self._open(choice, params))

    def epoch(self, row: Mapping[str, float]) -> None:
        """Pass on a row of the run's history."""
        self._told = True
        if self._log is not None:
            opened = self._log
            self._guarded(lambda: opened.epoch(*_numbered(row)))

    def end(self, *, completed: bool) -> None:
        """Pass on the end, and before it the history where it was not told row by row."""
        if self._log is None:
            return
        if not self._told:
            for row in _history(self._run.folder):
                self.epoch(row)
        opened = self._log
        if opened is not None:
            end = RunEnd(completed, _summary(self._run), _files(self._run.folder))
            self._guarded(lambda: opened.end(end))

    def _open(self, choice: LoggerChoice, params: Mapping[str, Plain]) -> None:
        path = self._run.folder / LOG_FILE
        kind = type(choice).__name__.lower()
        self._log = choice.open(RunAbout(self._run.folder, params, _log_id(path, kind)))
        if self._log is not None and self._log.log_id is not None:
            write_json(path, {"logger": kind, "id": self._log.log_id})

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # other people's programs raise what they like
            self._log = None
            reason = " ".join(error_text(error).split())
            log.warning("the logger failed and is left out from here: %s", reason)


@contextmanager
def observed(
    choice: LoggerChoice, recipe: Mapping[str, Mapping[str, Any]], seed: int, run: Run
) -> Iterator[RunObserver]:
    """Tell a logger how a run goes.

    Args:
        choice: The logger.
        recipe: The run's options by group.
        seed: The run's seed.
        run: The run, within `recording()`.

    Yields:
        What to tell of epochs as they end. A history nobody told of is passed on at the end.
    """
    observer = RunObserver(choice, run, flat_params(recipe) | {"seed": seed})
    try:
        yield observer
    except BaseException:
        observer.end(completed=False)
        raise
    observer.end(completed=True)


def flat_params(recipe: Mapping[str, Mapping[str, Any]]) -> dict[str, Plain]:
    """Return options by dotted name; lists and what is unset as text."""
    return {
        f"{group}.{name}": value if isinstance(value, str | int | float) else str(value)
        for group, options in recipe.items()
        if group != "logger"
        for name, value in options.items()
    }


def _numbered(row: Mapping[str, float]) -> tuple[int, dict[str, float]]:
    """Return a row's number, and its finite values."""
    number = next(int(row[name]) for name in COUNTERS if name in row)
    values = {name: float(value) for name, value in row.items() if name not in COUNTERS}
    return number, {name: value for name, value in values.items() if math.isfinite(value)}


def _history(folder: Path) -> list[dict[str, float]]:
    try:
        return history_numbers(folder)
    except FileNotFoundError:
        return []
    except DamagedFileError as error:
        log.warning("the logger is not told of the epochs: %s", error)
        return []


def _summary(run: Run) -> dict[str, float]:
    """Return the final scores and counts of a run, as far as it came."""
    result = run.result
    summary = {
        f"{split}_{name}": float(value)
        for split, scores in result.metrics.items()
        for name, value in scores.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    summary |= {f"parameters_{name}": float(count) for name, count in result.parameters.items()}
    summary |= {f"seconds_{phase}": seconds for phase, seconds in result.seconds.items()}
    if result.best_epoch is not None:
        summary["best_epoch"] = float(result.best_epoch)
    return summary


def _files(folder: Path) -> dict[str, Path]:
    """Return what lies in a run's folder, by name."""
    found = (path for path in sorted(folder.iterdir()) if path.is_file())
    return {path.name: path.absolute() for path in found if not path.name.startswith(".")}


def _log_id(path: Path, kind: str) -> str | None:
    """Return how the same logger called the run before, if it did."""
    try:
        content = read_json(path)
        log_id = str(content["id"]) if content["logger"] == kind else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if log_id is None or _LOG_ID.fullmatch(log_id):
        return log_id
    log.warning("%s names no run of a logger; a new one is begun there", path)
    return None
