"""A search that goes on: which trial is next, what is known of those before."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tlx.errors import ConfigError, Fault
from tlx.search.config import DEFAULT_TRIALS, OptunaSweeperConf
from tlx.search.distributions import distribution
from tlx.search.parameter import Value
from tlx.search.pruners import pruner
from tlx.search.samplers import sampler
from tlx.search.space import Space
from tlx.texts.redaction import redact_argument

JOB_NUMBER, ERROR, RETRIES = "job_number", "error", "retries"


@dataclass
class Trial:
    """A suggestion that has to be evaluated.

    Args:
        number: Its number in the study.
        overrides: What its job is asked.
        job_number: The number of its job, where an earlier driver has launched it.
        retries: The number of the failed trial that it is to make good.
    """

    number: int
    overrides: tuple[str, ...]
    job_number: int | None = None
    retries: int | None = None
    seen_steps: set[int] = field(default_factory=set)


class Search:
    """Asks a study for trials and tells it how they ended.

    Trials that a killed driver has left open come first, then failed ones that shall be tried
    again, then new suggestions, until there are as many as asked for.

    Args:
        study: The study, from `open_study`.
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

    def launched(self, trial: Trial, job_number: int) -> None:
        """Note which job evaluates a trial."""
        trial.job_number = job_number
        self._storage.set_trial_user_attr(self._id(trial), JOB_NUMBER, job_number)

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

    def complete(self, trial: Trial, values: list[float]) -> None:
        """Tell what a trial has reached."""
        self.study.tell(trial.number, values)
        self._ended[trial.overrides] = trial.number

    def prune(self, trial: Trial) -> None:
        """Tell that a trial was hopeless."""
        self.study.tell(trial.number, state=TrialState.PRUNED)
        self._ended[trial.overrides] = trial.number

    def fail(self, trial: Trial, error: str) -> None:
        """Tell that a trial has no value."""
        self._storage.set_trial_user_attr(self._id(trial), ERROR, error)
        self.study.tell(trial.number, state=TrialState.FAIL)
        self._ended[trial.overrides] = trial.number

    def repeat(self, trial: Trial, earlier: FrozenTrial) -> None:
        """Tell of a trial what is known from an earlier one of the same overrides."""
        if JOB_NUMBER in earlier.user_attrs:
            self.launched(trial, earlier.user_attrs[JOB_NUMBER])
        if earlier.state == TrialState.COMPLETE:
            self.complete(trial, list(earlier.values))
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
        return Trial(
            frozen.number,
            self.space.overrides(frozen.params),
            frozen.user_attrs.get(JOB_NUMBER),
            frozen.user_attrs.get(RETRIES),
            set(frozen.intermediate_values),
        )

    def _id(self, trial: Trial) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, trial.number)


def open_study(storage: BaseStorage, space: Space, options: OptunaSweeperConf) -> Study:
    """Return the study of a search, new or as far as it has come.

    Raises:
        ConfigError: Where the storage holds a study of another search.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study_pruner, _ = pruner(options), sampler(options, 0)  # before anything is written
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study = optuna.create_study(
            storage=storage,
            study_name=options.study_name,
            directions=[StudyDirection[one.upper()] for one in options.directions],
            load_if_exists=True,
        )
    asked = _identity(space, options)
    if "search" not in study.user_attrs or not study.get_trials(deepcopy=False):
        study.set_user_attr("search", asked)
    faults = list(_differences(study.user_attrs["search"], asked))
    if faults:
        raise ConfigError(faults)
    study.sampler = sampler(options, len(study.get_trials(deepcopy=False)))
    study.pruner = study_pruner
    return study


def _identity(space: Space, options: OptunaSweeperConf) -> dict[str, Any]:
    """Return what has to stay for trials to be comparable."""
    return {
        "directions": options.directions,
        "space": {parameter.key: repr(parameter) for parameter in space.parameters},
        "fixed": sorted(map(redact_argument, space.fixed)),
    }


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Fault]:
    remedy = "Go on with the same, or choose another folder with hydra.sweep.dir."
    if before["directions"] != now["directions"]:
        reason = f"the search in this folder is to {', '.join(before['directions'])}"
        directions = ", ".join(now["directions"])
        yield Fault("hydra.sweeper.direction", directions, reason, remedy)
    spaces = before["space"], now["space"]
    for key in sorted(spaces[0].keys() | spaces[1].keys()):
        if spaces[0].get(key) != spaces[1].get(key):
            shown = spaces[1].get(key, "(left out)")
            reason = f"the search in this folder has {spaces[0].get(key, 'no such dimension')}"
            yield Fault(key, shown, reason, remedy)
    fixed = sorted(map(redact_argument, before["fixed"]))
    if fixed != now["fixed"]:
        reason = f"the search in this folder has {' '.join(fixed) or 'none of its own'}"
        yield Fault("overrides", " ".join(now["fixed"]) or "none", reason, remedy)


def _is_void(trial: FrozenTrial) -> bool:
    """Return whether a driver was killed while it drew the trial: it counts for nothing."""
    return bool(trial.user_attrs.get(RETRIES) == trial.number)


def _enqueued(trial: FrozenTrial) -> dict[str, Value]:
    return dict(trial.system_attrs.get("fixed_params") or {})
