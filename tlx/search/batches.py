"""A search with any launcher: one batch of jobs after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from hydra.core.utils import JobReturn

from tlx.search.evaluation import Evaluation, evaluation_of
from tlx.search.progress import Progress
from tlx.search.search import Search
from tlx.search.seeds import Seed, job_of

Job = tuple[Evaluation, Seed]


class Launcher(Protocol):
    """Any of Hydra's launchers."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run jobs and return when all have ended."""


def run_in_batches(
    search: Search,
    progress: Progress,
    launcher: Launcher,
    *,
    n_jobs: int,
    first_number: int,
    was_cancelled: Callable[[JobReturn], bool],
    fail_fast: bool,
) -> None:
    """Judge all trials of a search, a batch at a time.

    The jobs of a trial may stand in several batches: what each has reached is noted behind it, so
    that a search which is broken off goes on with the others.

    Args:
        search: The search.
        progress: Where ends are told.
        launcher: Runs the jobs.
        n_jobs: Jobs in a batch.
        first_number: The first job number that is free in the sweep's folder.
        was_cancelled: Returns whether a job was stopped from outside; its trial is left open.
        fail_fast: Whether to stop at the first failure.
    """
    number = first_number
    begun: list[Evaluation] = []
    while batch := next_batch(search, progress, n_jobs, begun):
        for index, (evaluation, seed) in enumerate(batch):
            for trial in evaluation.trials:
                search.launched(trial, number + index, seed)
        asked = [job_of(evaluation.overrides, seed) for evaluation, seed in batch]
        returns = launcher.launch(asked, initial_job_idx=number)
        number += len(batch)
        good = True
        for (evaluation, seed), returned in zip(batch, returns, strict=True):
            if not was_cancelled(returned):
                good &= progress.job_ended(evaluation, seed, returned)
        begun = _still_begun(progress, begun)
        if fail_fast and not good:
            return


def next_batch(
    search: Search, progress: Progress, n_jobs: int, begun: list[Evaluation]
) -> list[Job]:
    """Return the next jobs, up to `n_jobs`: of the trials that have begun, then of new ones.

    Args:
        search: The search.
        progress: Where trials are told that need no job.
        n_jobs: Jobs in a batch; a trial that repeats another of the batch counts for one.
        begun: The trials that have begun; new ones are added.
    """
    batch: list[Job] = []
    repeated = 0
    _take(batch, begun, n_jobs)
    while len(batch) + repeated < n_jobs and (trial := search.next()) is not None:
        earlier = search.known(trial)
        twins = [one for one in begun if one.overrides == trial.overrides]
        if earlier is not None:
            progress.repeated(trial, earlier)
        elif twins:
            twins[0].join(trial, search)
            repeated += 1
        else:
            evaluation = evaluation_of(trial, search.seeds, from_journal=True)
            if evaluation.is_complete:  # the driver was killed before it told so
                progress.settled(evaluation)
                continue
            begun.append(evaluation)
            _take(batch, [evaluation], n_jobs - repeated)
    return batch


def _take(batch: list[Job], evaluations: Sequence[Evaluation], most: int) -> None:
    """Put the jobs that wait into a batch, as far as it has room."""
    for evaluation in evaluations:
        while evaluation.waiting and len(batch) < most:
            batch.append((evaluation, evaluation.waiting.pop(0)))


def _still_begun(progress: Progress, begun: Sequence[Evaluation]) -> list[Evaluation]:
    """Tell how the trials ended whose jobs have all ended, and return the others."""
    for evaluation in begun:
        if not evaluation.waiting:
            progress.settled(evaluation)
    return [evaluation for evaluation in begun if evaluation.waiting]
