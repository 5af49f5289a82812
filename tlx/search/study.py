"""The study of a search in its storage, which must be one of the same search."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import Study, StudyDirection

from tlx.errors import ConfigError, Fault
from tlx.search.config import OptunaSweeperConf
from tlx.search.pruners import pruner
from tlx.search.samplers import sampler
from tlx.search.seeds import OPTION, seeds_of
from tlx.search.space import Space
from tlx.texts.redaction import redact_argument

SEEDS: Final = "seeds"


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
    seeds = {} if options.seeds is None else {SEEDS: list(seeds_of(options.seeds))}
    return {
        "directions": options.directions,
        "space": {parameter.key: repr(parameter) for parameter in space.parameters},
        "fixed": sorted(map(redact_argument, space.fixed)),
        **seeds,  # left out where there are none, as in studies from before there were any
    }


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Fault]:
    remedy = "Go on with the same, or choose another folder with hydra.sweep.dir."
    if before["directions"] != now["directions"]:
        reason = f"the search in this folder is to {', '.join(before['directions'])}"
        directions = ", ".join(now["directions"])
        yield Fault("hydra.sweeper.direction", directions, reason, remedy)
    if before.get(SEEDS) != now.get(SEEDS):
        reason = f"each trial of the search in this folder has {_seeds_told(before.get(SEEDS))}"
        yield Fault(OPTION, now.get(SEEDS), reason, remedy)
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


def _seeds_told(seeds: Sequence[int] | None) -> str:
    if seeds is None:
        return "one job and no seeds of its own"
    return f"the seeds [{','.join(map(str, seeds))}]"
