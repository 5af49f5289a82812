"""Optuna's pruners by name."""

from __future__ import annotations

from optuna import pruners

from tlx.search.config import OptunaSweeperConf
from tlx.search.samplers import built


def pruner(options: OptunaSweeperConf) -> pruners.BasePruner:
    """Return what says whether a running trial is hopeless.

    Raises:
        ConfigError: Where it does not take one of its options.
    """
    kinds: dict[str | None, type[pruners.BasePruner]] = {
        None: pruners.NopPruner,
        "median": pruners.MedianPruner,
        "successive_halving": pruners.SuccessiveHalvingPruner,
    }
    given = options.pruner_options if options.pruner is not None else {}
    found: pruners.BasePruner = built(kinds[options.pruner], dict(given), "pruner")
    return found
