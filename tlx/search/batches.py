"""A search with any launcher: one batch of trials after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from hydra.core.utils import JobReturn

from tlx.search.progress import Progress
from tlx.search.search import Search, Trial


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
    while batch := next_batch(search, progress, n_jobs):
        for index, trials in enumerate(batch.values()):
            for trial in trials:
                search.launched(trial, number + index)
        returns = launcher.launch(list(batch), initial_job_idx=number)
        number += len(batch)
        good = True
        for trials, returned in zip(batch.values(), returns, strict=True):
            if not was_cancelled(returned):
                good &= progress.evaluated(trials, returned)
        if fail_fast and not good:
            return


def next_batch(
    search: Search, progress: Progress, n_jobs: int
) -> dict[tuple[str, ...], list[Trial]]:
    """Return the jobs of up to `n_jobs` trials by their overrides, each with its trials."""
    batch: dict[tuple[str, ...], list[Trial]] = {}
    while _size(batch) < n_jobs and (trial := search.next()) is not None:
        earlier = search.known(trial)
        if earlier is not None:
            progress.repeated(trial, earlier)
        else:
            batch.setdefault(trial.overrides, []).append(trial)
    return batch


def _size(batch: dict[tuple[str, ...], list[Trial]]) -> int:
    return sum(len(trials) for trials in batch.values())
