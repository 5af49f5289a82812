"""A search that goes on: which trial is next, what is known of those before."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from tlx.search.config import DEFAULT_TRIALS, OptunaSweeperConf
from tlx.search.distributions import distribution
from tlx.search.parameter import Value
from tlx.search.seeds import Seed, means, seeds_of, spreads
from tlx.search.space import Space

JOB_NUMBER, ERROR, RETRIES = "job_number", "error", "retries"
JOB_NUMBERS, SEED_VALUES, MEAN, SPREAD = "job_numbers", "seed_values", "mean", "spread"
"""What stands in the record of a trial of several seeds, the first two by seed."""


@dataclass
class Trial:
    """A suggestion that has to be evaluated.

    Args:
        number: Its number in the study.
        overrides: What its jobs are asked, but for their seeds.
        job_numbers: The numbers of its jobs by seed, where they were launched.
        retries: The number of the failed trial that it is to make good.
        seen_steps: The steps that were reported.
        values: What its jobs have reached by seed, where that was noted.
    """

    number: int
    overrides: tuple[str, ...]
    job_numbers: dict[Seed, int] = field(default_factory=dict)
    retries: int | None = None
    seen_steps: set[int] = field(default_factory=set)
    values: dict[Seed, list[float]] = field(default_factory=dict)


class Search:
    """Asks a study for trials and tells it how they ended.

    Trials that a killed driver has left open come first, then failed ones that shall be tried
    again, then new suggestions, until there are as many as asked for.

    Args:
        study: The study, from `tlx.search.study.open_study`.
        storage: Where it is kept.
        space: What is searched.
        options: The search's options.
        retry_failed: Whether to try failed trials again.
    """

    def __init__(
        self,
        study: Study,
        storage: BaseStorage,
        space: Space,
        options: OptunaSweeperConf,
        retry_failed: bool,
    ) -> None:
        self.study, self.space = study, space
        self.seeds = seeds_of(options.seeds)
        self._storage = storage
        self._study_id = storage.get_study_id_from_name(study.study_name)
        self._distributions = {one.key: distribution(one) for one in space.parameters}
        is_grid = options.sampler == "grid"
        most = space.size() if is_grid else sys.maxsize
        self.n_trials = min(options.n_trials or (most if is_grid else DEFAULT_TRIALS), most)
        self._points = self._unvisited() if is_grid else None
        self._open = list(self._left_open())
        ended = (one for one in self.trials() if one.state.is_finished() and one.params)
        self._ended = {space.overrides(one.params): one.number for one in ended}
        if retry_failed:
            self._enqueue_failed()

    @property
    def is_multi_objective(self) -> bool:
        """Whether there are several objectives."""
        return len(self.study.directions) > 1

    def trials(self) -> list[FrozenTrial]:
        """Return all trials, the queued ones included."""
        return self.study.get_trials(deepcopy=False)

    def has_next(self) -> bool:
        """Return whether there are trials to evaluate still."""
        if self._open or self._has_waiting():
            return True
        return sum(RETRIES not in one.user_attrs for one in self.trials()) < self.n_trials

    def next(self) -> Trial | None:
        """Return the next trial to evaluate, or None where there are enough."""
        if self._open:
            return self._trial(self._open.pop(0))
        if not self.has_next():
            return None
        if self._points is not None and not self._has_waiting():
            point = next(self._points, None)
            if point is None:
                return None
            self.study.enqueue_trial(point)
        asked = self.study.ask(self._distributions)
        retries = asked.user_attrs.get(RETRIES)
        return Trial(asked.number, self.space.overrides(asked.params), retries=retries)

    def known(self, trial: Trial) -> FrozenTrial | None:
        """Return an earlier trial of the same overrides that has ended, or None."""
        if trial.retries is not None:
            return None
        number = self._ended.get(trial.overrides)
        return None if number is None else self.trials()[number]

    def launched(self, trial: Trial, job_number: int, seed: Seed = None) -> None:
        """Note which job evaluates a trial, or one seed of it."""
        trial.job_numbers[seed] = job_number
        if seed is None:
            self._note(trial, JOB_NUMBER, job_number)
        else:
            self._note(trial, JOB_NUMBERS, _by_name(trial.job_numbers))

    def reached(self, trial: Trial, seed: Seed, values: list[float]) -> None:
        """Note what one job of a trial of several seeds has reached."""
        trial.values[seed] = values
        if seed is not None:
            self._note(trial, SEED_VALUES, _by_name(trial.values))

    def report(self, trial: Trial, step: int, value: float) -> bool:
        """Note how a running trial stands.

        Returns:
            Whether it is hopeless; False for a step that was reported before.
        """
        if step in trial.seen_steps:
            return False
        trial.seen_steps.add(step)
        self._storage.set_trial_intermediate_value(self._id(trial), step, value)
        frozen = self._storage.get_trial(self._id(trial))
        return self.study.pruner.prune(self.study, frozen)

    def complete(self, trial: Trial, values: Mapping[Seed, list[float]]) -> None:
        """Tell what a trial has reached: the mean over its jobs.

        Args:
            trial: The trial.
            values: The value of each objective, by the seed of the job.
        """
        if None not in values:
            spread = spreads(values)
            self._note(trial, MEAN, _plain(means(values)))
            self._note(trial, SPREAD, None if spread is None else _plain(spread))
        self._tell(trial, means(values))

    def _tell(self, trial: Trial, values: list[float]) -> None:
        self.study.tell(trial.number, values)
        self._ended[trial.overrides] = trial.number

    def _note(self, trial: Trial, name: str, value: Any) -> None:
        self._storage.set_trial_user_attr(self._id(trial), name, value)

    def prune(self, trial: Trial) -> None:
        """Tell that a trial was hopeless."""
        self.study.tell(trial.number, state=TrialState.PRUNED)
        self._ended[trial.overrides] = trial.number

    def fail(self, trial: Trial, error: str) -> None:
        """Tell that a trial has no value."""
        self._note(trial, ERROR, error)
        self.study.tell(trial.number, state=TrialState.FAIL)
        self._ended[trial.overrides] = trial.number

    def repeat(self, trial: Trial, earlier: FrozenTrial) -> None:
        """Tell of a trial what is known from an earlier one of the same overrides."""
        for name in (JOB_NUMBER, JOB_NUMBERS, SEED_VALUES, MEAN, SPREAD):
            if name in earlier.user_attrs:
                self._note(trial, name, earlier.user_attrs[name])
        if earlier.state == TrialState.COMPLETE:
            self._tell(trial, list(earlier.values))
        elif earlier.state == TrialState.PRUNED:
            self.prune(trial)
        else:
            self.fail(trial, str(earlier.user_attrs.get(ERROR, "")))

    def failed(self) -> list[FrozenTrial]:
        """Return the trials that failed and were not made good since."""
        trials = self.trials()
        retried = {one.user_attrs.get(RETRIES) for one in trials}
        failed = [one for one in trials if one.state == TrialState.FAIL]
        return [one for one in failed if one.number not in retried]

    def _has_waiting(self) -> bool:
        return any(one.state == TrialState.WAITING for one in self.trials())

    def _left_open(self) -> Iterator[FrozenTrial]:
        """Yield the trials that an earlier driver began; void those it had not even drawn."""
        for one in self.trials():
            if one.state == TrialState.RUNNING and one.params.keys() == self._distributions.keys():
                yield one
            elif one.state == TrialState.RUNNING:
                self._storage.set_trial_user_attr(one._trial_id, RETRIES, one.number)
                self.study.tell(one.number, state=TrialState.FAIL)

    def _enqueue_failed(self) -> None:
        for one in self.failed():
            if one.params:
                self.study.enqueue_trial(dict(one.params), user_attrs={RETRIES: one.number})

    def _unvisited(self) -> Iterator[dict[str, Value]]:
        params = [one.params or _enqueued(one) for one in self.trials() if not _is_void(one)]
        visited = {self.space.overrides(one) for one in params if one}
        points = self.space.points()
        return (point for point in points if self.space.overrides(point) not in visited)

    def _trial(self, frozen: FrozenTrial) -> Trial:
        noted = frozen.user_attrs
        numbers = _by_seed(noted.get(JOB_NUMBERS, {}))
        if JOB_NUMBER in noted:
            numbers[None] = noted[JOB_NUMBER]
        return Trial(
            frozen.number,
            self.space.overrides(frozen.params),
            numbers,
            noted.get(RETRIES),
            set(frozen.intermediate_values),
            _by_seed(noted.get(SEED_VALUES, {})),
        )

    def _id(self, trial: Trial) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, trial.number)


def _is_void(trial: FrozenTrial) -> bool:
    """Return whether a driver was killed while it drew the trial: it counts for nothing."""
    return bool(trial.user_attrs.get(RETRIES) == trial.number)


def _enqueued(trial: FrozenTrial) -> dict[str, Value]:
    return dict(trial.system_attrs.get("fixed_params") or {})


def _by_name(by_seed: Mapping[Seed, Any]) -> dict[str, Any]:
    return {str(seed): value for seed, value in by_seed.items()}  # as JSON keeps it


def _by_seed(by_name: Mapping[str, Any]) -> dict[Seed, Any]:
    return {int(name): value for name, value in by_name.items()}


def _plain(values: list[float]) -> float | list[float]:
    return values[0] if len(values) == 1 else values
