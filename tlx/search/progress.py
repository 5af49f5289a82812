"""What a search tells while it runs, and when it ends."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from tlx.errors import TlxError
from tlx.runs.atomic import write_text
from tlx.search.evaluation import Evaluation
from tlx.search.objective import objective_values
from tlx.search.search import (
    ERROR,
    JOB_NUMBER,
    JOB_NUMBERS,
    MEAN,
    SEED_VALUES,
    SPREAD,
    Search,
    Trial,
)
from tlx.search.seeds import Seed, means, spreads
from tlx.texts.bounded import error_text

RESULTS_FILE = "optimization_results.yaml"
log = logging.getLogger("tlx")


class SearchError(TlxError):
    """Trials of a search failed; the others are told and kept."""


class Progress:
    """Tells the study and the user how trials end, and keeps the best in the sweep's folder.

    Args:
        search: The search.
        folder: The sweep's folder.
    """

    def __init__(self, search: Search, folder: Path) -> None:
        self._search, self._folder = search, folder
        self._first_error: Exception | None = None

    def job_ended(self, evaluation: Evaluation, seed: Seed, returned: Any) -> bool:
        """Note how one job of a trial ended.

        Returns:
            Whether it has a value.
        """
        try:
            values = objective_values(returned, len(self._search.study.directions))
        except Exception as error:
            self._first_error = self._first_error or error
            told = f"{type(error).__name__}: {error_text(error)}"
            number = evaluation.trials[0].job_numbers.get(seed)
            which = "" if seed is None else f"job {number} (seed={seed}): "
            evaluation.error = evaluation.error or f"{which}{told}"
            evaluation.waiting.clear()
            return False
        evaluation.values[seed] = values
        for trial in evaluation.trials:
            self._search.reached(trial, seed, values)
        return True

    def settled(self, evaluation: Evaluation) -> None:
        """Tell how a trial ended whose jobs have ended; one that was cancelled is left open."""
        if evaluation.is_complete:
            self._completed(evaluation)
        elif evaluation.error is not None:
            for trial in evaluation.trials:
                self._search.fail(trial, evaluation.error)
                self._say(trial, f"failed: {evaluation.error}")
        elif evaluation.is_pruned:
            for trial in evaluation.trials:
                self._search.prune(trial)
                self._say(trial, "pruned")

    def _completed(self, evaluation: Evaluation) -> None:
        values = evaluation.values
        for trial in evaluation.trials:
            self._search.complete(trial, values)
            self._say(trial, _shown(means(values), None if None in values else spreads(values)))
        if not self._search.is_multi_objective:  # a front of many trials is slow to find
            self.write_results()

    def repeated(self, trial: Trial, earlier: FrozenTrial) -> None:
        """Tell of a suggestion that was made before."""
        self._search.repeat(trial, earlier)
        self._say(trial, f"as trial {earlier.number}, not run again")

    def write_results(self) -> None:
        """Write `optimization_results.yaml`, atomically."""
        content = OmegaConf.to_yaml(OmegaConf.create(results(self._search.study)))
        write_text(self._folder / RESULTS_FILE, content)

    def end(self) -> None:
        """Say what was found.

        Raises:
            SearchError: Where trials failed.
        """
        self.write_results()
        log.info("%s", self._summary())
        failed = self._search.failed()
        if failed:
            numbers = ", ".join(str(one.number) for one in failed[:20])
            more = ", ..." if len(failed) > 20 else ""
            raise SearchError(
                f"{len(failed)} of {len(self._search.trials())} trials failed ({numbers}{more}), "
                f"the first by {failed[0].user_attrs.get(ERROR)}. {self._whole_trials()}"
                f"The others are told in {self._folder / RESULTS_FILE}."
            ) from self._first_error

    def _whole_trials(self) -> str:
        if len(self._search.seeds) == 1:
            return ""
        return "A trial fails with the first of its jobs that does, and its others end. "

    def _say(self, trial: Trial, end: str) -> None:
        keys = [parameter.key for parameter in self._search.space.parameters]
        shown = [text for text in trial.overrides if text.partition("=")[0] in keys]
        log.info("Trial %d (%s): %s", trial.number, " ".join(shown), end)

    def _summary(self) -> str:
        counts = _counts(self._search.trials())
        ends = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        best = "\n".join(
            f"  trial {one.number}: {_shown(one.values, _listed(one.user_attrs.get(SPREAD)))} with "
            + " ".join(self._search.space.overrides(one.params))
            for one in best_trials(self._search.study)[:10]
        )
        return f"Search: {ends}; best in {self._folder / RESULTS_FILE}:\n{best or '  none'}"


def best_trials(study: Study) -> list[FrozenTrial]:
    """Return the best trial, or with several objectives those that no other one dominates."""
    if len(study.directions) > 1:
        return study.best_trials
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [study.best_trial] if ended else []


def results(study: Study) -> dict[str, Any]:
    """Return what Hydra's own Optuna plugin writes, with the job and the count of trials."""
    best = best_trials(study)
    content: dict[str, Any] = {"name": "optuna"}
    if len(study.directions) > 1:
        content["solutions"] = [
            {"params": one.params, "values": list(one.values), **_origin(one)} for one in best
        ]
    elif best:
        (one,) = best
        content |= {"best_params": one.params, "best_value": one.value, **_origin(one)}
    return content | {"trials": _counts(study.get_trials(deepcopy=False))}


def _origin(trial: FrozenTrial) -> dict[str, Any]:
    noted = trial.user_attrs
    if JOB_NUMBERS not in noted:
        return {"trial": trial.number, "job": noted.get(JOB_NUMBER)}
    told = {name: noted.get(name) for name in (MEAN, SPREAD, SEED_VALUES)}
    return {"trial": trial.number, "jobs": noted[JOB_NUMBERS], **told}


def _shown(values: Sequence[float], spread: Sequence[float] | None) -> str:
    """Return the value of each objective as text, with its spread where there are several seeds."""
    if spread is None:
        return ", ".join(f"{value:.6g}" for value in values)
    pairs = zip(values, spread, strict=True)
    return ", ".join(f"{value:.6g} (spread {one:.2g})" for value, one in pairs)


def _listed(value: Any) -> list[float] | None:
    return value if value is None or isinstance(value, list) else [value]


def _counts(trials: list[FrozenTrial]) -> dict[str, int]:
    states = Counter(one.state for one in trials)
    names = {
        "completed": TrialState.COMPLETE,
        "pruned": TrialState.PRUNED,
        "failed": TrialState.FAIL,
        "open": TrialState.RUNNING,
    }
    return {name: states[state] for name, state in names.items()}
