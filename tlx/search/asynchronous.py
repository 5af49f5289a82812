"""A search with a launcher that takes single jobs: a freed slot gets the next trial at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hydra.core.utils import JobReturn

from tlx.runs.stored import DamagedFileError
from tlx.search.history import read_history
from tlx.search.progress import Progress
from tlx.search.search import Search, Trial

log = logging.getLogger("tlx")


class SubmittingLauncher(Protocol):
    """A launcher that takes one job at a time."""

    def submit(self, overrides: Sequence[str], number: int) -> Future[JobReturn]:
        """Queue one job and return at once."""

    def cancel(self, number: int, reason: str = ...) -> None:
        """Stop a submitted job."""

    def folder_of(self, number: int) -> Path | None:
        """Return the folder of a submitted job."""

    def stop(self, reason: str) -> None:
        """Stop all submitted jobs."""

    def close(self) -> None:
        """End what `submit` opened."""


@dataclass
class _Running:
    trials: list[Trial]
    number: int
    folder: Path | None
    is_pruned: bool = False


class AsynchronousRun:
    """Keeps a number of trials running until the search has enough.

    Args:
        search: The search.
        progress: Where ends are told.
        launcher: Runs the jobs.
        slots: How many jobs at a time.
        first_number: The first job number that is free in the sweep's folder.
        was_cancelled: Returns whether a job was stopped from outside; its trial is left open.
        metric: The column of `metrics.csv` to prune by; None: nothing is pruned.
        poll_s: Seconds between two looks at it.
        fail_fast: Whether to start no further job after a failure.
    """

    def __init__(
        self,
        search: Search,
        progress: Progress,
        launcher: SubmittingLauncher,
        *,
        slots: int,
        first_number: int,
        was_cancelled: Callable[[JobReturn], bool],
        metric: str | None,
        poll_s: float,
        fail_fast: bool,
    ) -> None:
        self._search, self._progress, self._launcher = search, progress, launcher
        self._slots = slots
        self._was_cancelled, self._metric, self._poll_s = was_cancelled, metric, poll_s
        self._fail_fast, self._is_stopping = fail_fast, False
        self._running: dict[Future[JobReturn], _Running] = {}
        self._first_number = self._number = first_number

    def run(self) -> None:
        """Judge all trials; on Ctrl-C all jobs are stopped and their trials left open."""
        try:
            while self._fill():
                ended, _ = wait(self._running, self._poll_s, FIRST_COMPLETED)
                for future in ended:
                    self._ended(future, self._running.pop(future))
                for running in self._running.values():
                    self._watch(running)
        except BaseException as error:
            is_interrupt = isinstance(error, KeyboardInterrupt | SystemExit)
            self._launcher.stop("stopped by the user" if is_interrupt else "the search failed")
            raise
        finally:
            self._launcher.close()

    def _fill(self) -> bool:
        """Start trials while there are slots, and return whether any runs."""
        while self._taken() < self._slots and not self._is_stopping:
            trial = self._search.next()
            if trial is None:
                break
            earlier = self._search.known(trial)
            twins = [one for one in self._running.values() if _judges(one, trial)]
            if earlier is not None:
                self._progress.repeated(trial, earlier)
            elif twins:
                self._search.launched(trial, twins[0].number)
                twins[0].trials.append(trial)
            else:
                self._start(trial)
        return bool(self._running)

    def _taken(self) -> int:
        """Return how many trials run; twins count too, so that none is drawn blindly."""
        return sum(len(running.trials) for running in self._running.values())

    def _start(self, trial: Trial) -> None:
        number = trial.job_number
        if number is None or number >= self._first_number:  # an earlier driver has not begun it
            number = self._number
            self._number += 1
        self._search.launched(trial, number)
        future = self._launcher.submit(trial.overrides, number)
        self._running[future] = _Running([trial], number, self._launcher.folder_of(number))

    def _watch(self, running: _Running) -> None:
        """Report what a job has reached since the last look; stop it where that is hopeless."""
        if running.is_pruned or not self._report(running):
            return
        running.is_pruned = True
        self._launcher.cancel(running.number, f"pruned: {self._metric} is hopeless")

    def _report(self, running: _Running) -> bool:
        """Return whether what is new makes a job hopeless."""
        if self._metric is None or running.folder is None:
            return False
        try:
            history = read_history(running.folder, self._metric)
        except KeyError as error:
            log.warning("hydra.sweeper.metric: metrics.csv has %s. No pruning.", error.args[0])
            self._metric = None
            return False
        except DamagedFileError as error:
            log.warning("%s No pruning of job %d.", error, running.number)
            running.folder = None
            return False
        hopeless = (
            self._search.report(trial, step, value)
            for step, value in history
            for trial in running.trials
        )
        return any(hopeless)

    def _ended(self, future: Future[JobReturn], running: _Running) -> None:
        returned = None if future.cancelled() else future.result()
        cancelled = returned is None or self._was_cancelled(returned)
        if cancelled and running.is_pruned:
            self._progress.pruned(running.trials)
        elif not cancelled:
            self._report_rest(running)
            if not self._progress.evaluated(running.trials, returned) and self._fail_fast:
                self._is_stopping = True

    def _report_rest(self, running: _Running) -> None:
        """Report the last epochs too: later trials are compared with them."""
        while self._report(running):
            pass


def _judges(running: _Running, trial: Trial) -> bool:
    return running.trials[0].overrides == trial.overrides and not running.is_pruned
