"""`hydra/sweeper=tlx`: every combination of the values, but for those that go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from tlx.config.pairing.dimensions import combinations, dimensions, pairing_faults, read_pairs
from tlx.errors import ConfigError, Fault


@dataclass
class PairingSweeperConf:
    """Options of `hydra/sweeper=tlx`.

    Args:
        max_batch_size: Most jobs that the launcher gets at a time; None: all of them.
        params: Overrides to sweep over, by key, for a sweep that stands in a config; those of the
            command line go first.
        pairs: Keys whose values go together, as `zip(...)` writes them:
            `[[optimizer.lr,trainer.epochs]]`.
    """

    _target_: str = "hydra_plugins.tlx_sweeper.PairingSweeper"
    max_batch_size: int | None = None
    params: dict[str, Any] | None = None
    pairs: list[list[str]] = field(default_factory=list)


def register() -> None:
    """Make the sweeper known to Hydra; calling it again changes nothing."""
    store = ConfigStore.instance()
    store.store(group="hydra/sweeper", name="tlx", node=PairingSweeperConf, provider="tlx")


class PairingSweeper(Sweeper):
    """Does what Hydra's own sweeper does; keys that go together are one dimension.

    Args:
        max_batch_size: Most jobs that the launcher gets at a time; None: all of them.
        params: Overrides to sweep over, by key.
        pairs: Keys whose values go together.
    """

    def __init__(
        self,
        max_batch_size: int | None = None,
        params: Mapping[str, Any] | None = None,
        pairs: Sequence[Sequence[str]] = (),
    ) -> None:
        self.max_batch_size, self.params = max_batch_size, dict(params or {})
        self.pairs = read_pairs(OmegaConf.to_container(OmegaConf.create(list(pairs))))
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra knows of the sweep.

        Raises:
            ConfigError: Where a batch is to have no job.
        """
        most = self.max_batch_size
        if most is not None and most < 1:
            key, remedy = "hydra.sweeper.max_batch_size", "Give 1 or more, or null for all jobs."
            raise ConfigError([Fault(key, most, "too small", remedy)])
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Run every job, batch by batch; the first that failed raises once its batch has ended.

        Args:
            arguments: The overrides of the command line.

        Returns:
            What the jobs returned, by batch.

        Raises:
            ConfigError: Where values cannot be paired, before anything is written.
        """
        assert self.config is not None
        assert self.launcher is not None
        batches = self.batches(arguments)
        folder = Path(self.config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        returns: list[Sequence[JobReturn]] = []
        number = 0
        for batch in batches:
            self.validate_batch_is_legal(batch)
            returns.append(self.launcher.launch(batch, initial_job_idx=number))
            for returned in returns[-1]:
                _ = returned.return_value  # raises where the job failed
            number += len(batch)
        return returns

    def batches(self, arguments: Sequence[str]) -> list[list[list[str]]]:
        """Return the overrides of each job, in the batches that the launcher gets.

        Args:
            arguments: The overrides of the command line.

        Raises:
            ConfigError: With a fault for everything that cannot be paired.
        """
        loader = None if self.hydra_context is None else self.hydra_context.config_loader
        parser = OverridesParser.create(config_loader=loader)
        given = [f"{key}={value}" for key, value in self.params.items()]
        overrides = parser.parse_overrides([*given, *arguments])
        last = list({str(one.get_key_element()): one for one in overrides}.values())
        faults = [fault for _, fault in pairing_faults(last, self.pairs, _texts)]
        if faults:
            raise ConfigError(faults)
        jobs = combinations(dimensions(overrides, self.pairs, _texts))
        most = self.max_batch_size or len(jobs)
        return [jobs[start : start + most] for start in range(0, len(jobs), most)]


def _texts(override: Override) -> list[str]:
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        written = str(override.input_line).partition("=")[2]
        remedy = "Write a,b or range(start, stop, step), or search it with hydra/sweeper=optuna."
        raise ConfigError([Fault(key, written, "an interval has no end of values", remedy)])
    return [f"{key}={text}" for text in override.sweep_string_iterator()]
