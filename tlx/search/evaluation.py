"""What is known of a trial while its jobs run."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlx.search.search import Search, Trial
from tlx.search.seeds import Seed, common_steps


@dataclass
class Evaluation:
    """The jobs that judge a trial, and further trials of the same overrides.

    Args:
        trials: The trials.
        seeds: The seeds of all its jobs.
        waiting: The seeds whose jobs have not begun.
        values: What the jobs that ended have reached, for each objective.
        histories: What each job has reached at which step.
        error: Why a job has no value; the trial then has none either.
        is_pruned: Whether it was stopped as hopeless.
    """

    trials: list[Trial]
    seeds: tuple[Seed, ...]
    waiting: list[Seed]
    values: dict[Seed, list[float]] = field(default_factory=dict)
    histories: dict[Seed, dict[int, float]] = field(default_factory=dict)
    error: str | None = None
    is_pruned: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether every job has a value."""
        return len(self.values) == len(self.seeds)

    @property
    def overrides(self) -> tuple[str, ...]:
        """What the trial is asked."""
        return self.trials[0].overrides

    def join(self, trial: Trial, search: Search) -> None:
        """Let the jobs judge a further trial of the same overrides."""
        for seed, number in self.trials[0].job_numbers.items():
            search.launched(trial, number, seed)
        for seed, values in self.values.items():
            search.reached(trial, seed, values)
        self.trials.append(trial)

    def means(self) -> dict[int, float]:
        """Return the mean over the jobs at each step that all of them have reached."""
        return common_steps(self.seeds, self.histories)


def evaluation_of(trial: Trial, seeds: tuple[Seed, ...], *, from_journal: bool) -> Evaluation:
    """Return the evaluation of a trial that is to be judged.

    Args:
        trial: The trial.
        seeds: The seeds of its jobs.
        from_journal: Whether what its jobs have reached under an earlier driver is taken from the
            journal; a launcher that keeps records gives it again.
    """
    known = {seed: trial.values[seed] for seed in seeds if from_journal and seed in trial.values}
    return Evaluation([trial], seeds, [seed for seed in seeds if seed not in known], known)
