"""Optuna's samplers by name."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

from optuna import samplers
from optuna.exceptions import ExperimentalWarning

from tlx.errors import ConfigError, Fault, TlxError
from tlx.search.config import OptunaSweeperConf
from tlx.search.parameter import Choice
from tlx.search.space import Space


def sampler(options: OptunaSweeperConf, trials_before: int) -> samplers.BaseSampler:
    """Return what suggests the next trial.

    Args:
        options: The search's options.
        trials_before: How many trials the study holds; a resumed search draws other numbers
            than it has drawn before.

    Raises:
        ConfigError: Where the sampler does not take one of its options.
        TlxError: Where it needs a package that is not there.
    """
    seed = None if options.seed is None else options.seed + trials_before
    given: dict[str, Any] = {"seed": seed, **options.sampler_options}
    match options.sampler:
        case "cmaes":
            _require_cmaes()
            kind: type[samplers.BaseSampler] = samplers.CmaEsSampler
            given.setdefault("warn_independent_sampling", False)
        case "qmc":
            kind = samplers.QMCSampler
            # Of one sequence, the study counts how far it has come: that seed stays.
            given.update(seed=options.seed, warn_independent_sampling=False)
            given.setdefault("independent_sampler", samplers.RandomSampler(seed))
        case "tpe":
            kind = samplers.TPESampler
        case _:  # the points of a grid are enqueued one by one: nothing is left to draw
            kind = samplers.RandomSampler
    found: samplers.BaseSampler = built(kind, given, "sampler")
    return found


def built(kind: type[Any], given: dict[str, Any], name: str) -> Any:
    """Return an object of Optuna's.

    Raises:
        ConfigError: Where it does not take one of the arguments.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return kind(**given)
    except (TypeError, ValueError) as error:
        shown = {key: value for key, value in given.items() if key != "independent_sampler"}
        remedy = f"See optuna.{name}s.{kind.__name__} for what it takes."
        fault = Fault(f"hydra.sweeper.{name}_options", shown, str(error).rstrip("."), remedy)
        raise ConfigError([fault]) from error


def _require_cmaes() -> None:
    if importlib.util.find_spec("cmaes") is None:
        raise TlxError(
            "hydra.sweeper.sampler=cmaes: the package cmaes is not installed. "
            "Run pip install cmaes, or take sampler=tpe."
        )


def reservation(options: OptunaSweeperConf, space: Space) -> str | None:
    """Return what the sampler cannot do with a space, for the user to know, or None."""
    if options.sampler != "cmaes":
        return None
    choices = [one.key for one in space.parameters if isinstance(one, Choice)]
    if len(space.parameters) - len(choices) < 2:
        return "CMA-ES needs two numbers or more to search; all is drawn at random. Take tpe."
    if choices:
        return f"CMA-ES searches numbers only: {', '.join(choices)} drawn at random."
    return None
