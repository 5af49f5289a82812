"""A search with a launcher that takes single jobs: a freed slot gets the next job at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hydra.core.utils import JobReturn

from tlx.runs.stored import DamagedFileError
from tlx.search.evaluation import Evaluation, evaluation_of
from tlx.search.history import read_history
from tlx.search.progress import Progress
from tlx.search.search import Search
from tlx.search.seeds import Seed, job_of

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
    evaluation: Evaluation
    seed: Seed
    number: int
    folder: Path | None


class AsynchronousRun:
    """Keeps a number of jobs running until the search has enough.

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
        self._begun: list[Evaluation] = []
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
                    self._read(running)
                for evaluation in self._begun:
                    self._judge(evaluation)
                self._settle()
        except BaseException as error:
            is_interrupt = isinstance(error, KeyboardInterrupt | SystemExit)
            self._launcher.stop("stopped by the user" if is_interrupt else "the search failed")
            raise
        finally:
            self._launcher.close()

    def _fill(self) -> bool:
        """Start jobs while there are slots, and return whether any runs."""
        while self._taken() < self._slots and not self._is_stopping:
            waiting = next((one for one in self._begun if one.waiting), None)
            if waiting is not None:
                self._start(waiting, waiting.waiting.pop(0))
            elif not self._draw():
                break
        return bool(self._running)

    def _draw(self) -> bool:
        """Take up the next trial, and return whether there was one."""
        trial = self._search.next()
        if trial is None:
            return False
        earlier = self._search.known(trial)
        twins = [
            one for one in self._begun if one.overrides == trial.overrides and not one.is_pruned
        ]
        if earlier is not None:
            self._progress.repeated(trial, earlier)
        elif twins:
            twins[0].join(trial, self._search)
        else:
            self._begun.append(evaluation_of(trial, self._search.seeds, from_journal=False))
        return True

    def _taken(self) -> int:
        """Return how many jobs run; twins count too, so that none is drawn blindly."""
        return len(self._running) + sum(len(one.trials) - 1 for one in self._begun)

    def _start(self, evaluation: Evaluation, seed: Seed) -> None:
        number = evaluation.trials[0].job_numbers.get(seed)
        if number is None or number >= self._first_number:  # an earlier driver has not begun it
            number = self._number
            self._number += 1
        for trial in evaluation.trials:
            self._search.launched(trial, number, seed)
        future = self._launcher.submit(job_of(evaluation.overrides, seed), number)
        folder = self._launcher.folder_of(number)
        self._running[future] = _Running(evaluation, seed, number, folder)

    def _read(self, running: _Running) -> None:
        """Note what a job has reached since the last look."""
        if self._metric is None or running.folder is None:
            return
        try:
            history = read_history(running.folder, self._metric)
        except KeyError as error:
            log.warning("hydra.sweeper.metric: metrics.csv has %s. No pruning.", error.args[0])
            self._metric = None
        except DamagedFileError as error:
            log.warning("%s No pruning of job %d.", error, running.number)
            running.folder = None
        else:
            running.evaluation.histories[running.seed] = dict(history)

    def _judge(self, evaluation: Evaluation) -> None:
        """Report what all jobs of a trial have reached; stop them where that is hopeless."""
        if evaluation.is_pruned or evaluation.is_complete or not self._is_hopeless(evaluation):
            return
        evaluation.is_pruned = True
        mean = "" if len(evaluation.seeds) == 1 else "the mean of "
        self._end_jobs(evaluation, f"pruned: {mean}{self._metric} is hopeless")

    def _is_hopeless(self, evaluation: Evaluation) -> bool:
        return any(
            self._search.report(trial, step, value)
            for step, value in evaluation.means().items()
            for trial in evaluation.trials
        )

    def _end_jobs(self, evaluation: Evaluation, reason: str) -> None:
        evaluation.waiting.clear()
        for running in self._running.values():
            if running.evaluation is evaluation:
                self._launcher.cancel(running.number, reason)

    def _ended(self, future: Future[JobReturn], running: _Running) -> None:
        returned = None if future.cancelled() else future.result()
        if returned is None or self._was_cancelled(returned):
            return
        self._read(running)
        evaluation = running.evaluation
        if not self._progress.job_ended(evaluation, running.seed, returned):
            self._end_jobs(evaluation, f"job {running.number} of its trial failed")
            self._is_stopping |= self._fail_fast

    def _settle(self) -> None:
        """Tell how the trials ended of which no job runs or waits any more."""
        busy = {id(running.evaluation) for running in self._running.values()}
        for evaluation in list(self._begun):
            if evaluation.waiting or id(evaluation) in busy:
                continue
            is_judged = evaluation.is_complete or not evaluation.is_pruned
            while is_judged and self._is_hopeless(evaluation):
                pass  # the last epochs too: later trials are compared with them
            self._progress.settled(evaluation)
            self._begun.remove(evaluation)
