"""The options of the search, as `hydra.sweeper.*` takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore

from tlx.errors import Fault, did_you_mean
from tlx.search.seeds import seeds_faults

SAMPLERS = ("tpe", "cmaes", "random", "grid", "qmc")
PRUNERS = ("median", "successive_halving")
DIRECTIONS = ("maximize", "minimize")
DEFAULT_TRIALS = 20


@dataclass
class OptunaSweeperConf:
    """Options of `hydra/sweeper=optuna`.

    Args:
        sampler: `tpe`, `cmaes`, `random`, `grid` or `qmc`.
        sampler_options: Further arguments of Optuna's sampler:
            `+hydra.sweeper.sampler_options.n_startup_trials=5`.
        seed: Seed of the sampler; None: another search each time.
        direction: `maximize` or `minimize`; a list for several objectives.
        n_trials: How many trials the sweep's folder shall hold in the end. None: every point of
            the grid with `sampler=grid`, 20 otherwise.
        seeds: How many jobs a trial has, or the list of their seeds: its value is their mean.
            None: one job, with the seed of the configuration.
        n_jobs: Jobs at the same time. None: as many as the launcher has slots; one with a
            launcher that does not tell.
        pruner: `median` or `successive_halving`; None: no trial is stopped early.
        pruner_options: Further arguments of Optuna's pruner:
            `+hydra.sweeper.pruner_options.n_warmup_steps=3`.
        metric: The column of a job's `metrics.csv` that the pruner reads; its best value is to be
            found in the search's direction (`val_r2` where a number is predicted).
        storage: The journal file, or the URL of one of Optuna's databases. None:
            `optuna_journal.log` in the sweep's folder.
        study_name: The study's name in the storage.
        params: Overrides to sweep over, by key, for a space that stands in a config; those of the
            command line go first.
        poll_s: Seconds between two looks at the running jobs' metrics.
    """

    _target_: str = "hydra_plugins.tlx_optuna.OptunaSweeper"
    sampler: str = "tpe"
    sampler_options: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    direction: Any = "maximize"
    n_trials: int | None = None
    seeds: Any = None
    n_jobs: int | None = None
    pruner: str | None = None
    pruner_options: dict[str, Any] = field(default_factory=dict)
    metric: str = "val_accuracy"
    storage: str | None = None
    study_name: str = "search"
    params: dict[str, Any] = field(default_factory=dict)
    poll_s: float = 0.5

    @property
    def directions(self) -> list[str]:
        """The direction of each objective."""
        one_or_more = self.direction
        return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def register() -> None:
    """Make the sweeper known to Hydra; calling it again changes nothing."""
    store = ConfigStore.instance()
    store.store(group="hydra/sweeper", name="optuna", node=OptunaSweeperConf, provider="tlx")


def option_faults(options: OptunaSweeperConf) -> Iterator[Fault]:
    """Yield a fault for every option that cannot be used."""
    yield from _unknown("sampler", options.sampler, SAMPLERS)
    if options.pruner is not None:
        yield from _unknown("pruner", options.pruner, PRUNERS)
    for direction in options.directions or ["nothing"]:
        yield from _unknown("direction", direction, DIRECTIONS)
    for name in ("n_trials", "n_jobs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            yield Fault(f"hydra.sweeper.{name}", value, "too small", "Give 1 or more.")
    yield from seeds_faults(options.seeds)
    if options.poll_s <= 0:
        yield Fault("hydra.sweeper.poll_s", options.poll_s, "too small", "Give more than 0.")
    yield from _disagreements(options)


def _unknown(name: str, value: object, known: tuple[str, ...]) -> Iterator[Fault]:
    if value not in known:
        remedy = did_you_mean(str(value), known)
        yield Fault(f"hydra.sweeper.{name}", value, f"there is no such {name}", remedy)


def _disagreements(options: OptunaSweeperConf) -> Iterator[Fault]:
    several = len(options.directions) > 1
    if several and options.sampler == "cmaes":
        reason = "CMA-ES searches for one objective only"
        yield Fault("hydra.sweeper.sampler", "cmaes", reason, "Take sampler=tpe, or one direction.")
    if several and options.pruner is not None:
        reason = "trials with several objectives cannot be compared while they run"
        remedy = "Leave the pruner out, or give one direction."
        yield Fault("hydra.sweeper.pruner", options.pruner, reason, remedy)
    if options.pruner is None or several:
        return
    lower_is_better = dict.fromkeys(("loss", "error", "rmse"), "minimize")
    wanted = {"accuracy": "maximize", "r2": "maximize", **lower_is_better}
    word = options.metric.rpartition("_")[2]
    if options.directions and wanted.get(word, options.directions[0]) != options.directions[0]:
        reason = f"the search is to {options.directions[0]}, so the best trials would be pruned"
        remedy = "Give a metric that goes the way of hydra.sweeper.direction."
        yield Fault("hydra.sweeper.metric", options.metric, reason, remedy)
