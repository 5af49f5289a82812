"""`hydra/sweeper=optuna`: a search for the best configuration."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from tlx.errors import ConfigError, TlxError
from tlx.search.config import OptunaSweeperConf, option_faults
from tlx.search.seeds import job_of, seeds_of, typed_seed_faults
from tlx.search.space import Space, space_of

if TYPE_CHECKING:
    from tlx.search.progress import Progress
    from tlx.search.search import Search

CONFIGS_CHECKED = 50
"""A search's first configurations are composed before anything starts."""

log = logging.getLogger("tlx")


class OptunaSweeper(Sweeper):
    """Searches a space that is written in Hydra's override syntax.

    With a launcher that has `submit` a freed slot gets the next trial at once, and hopeless
    trials are stopped; any other launcher gets batches.

    Args:
        **options: The fields of `OptunaSweeperConf`.
    """

    def __init__(self, **options: Any) -> None:
        plain = {name: _plain(value) for name, value in options.items()}
        self.options = OptunaSweeperConf(**plain)
        self.config: DictConfig | None = None
        self.launcher: Any = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra knows of the sweep.

        Raises:
            ConfigError: Where an option cannot be used.
            TlxError: Where Optuna is not installed.
        """
        asked = [f"{key}={value}" for key, value in self.options.params.items()]
        asked += map(str, config.hydra.overrides.task)
        faults = list(option_faults(self.options))
        faults += typed_seed_faults(self.options.seeds, asked)
        if faults:
            raise ConfigError(faults)
        if importlib.util.find_spec("optuna") is None:
            raise TlxError("hydra/sweeper=optuna needs Optuna. Run pip install 'tlx[search]'.")
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Search until the sweep's folder holds as many trials as asked for.

        Args:
            arguments: The overrides of the command line; those with several values are searched.

        Raises:
            ConfigError: Where the space cannot be searched, or the folder holds another search.
            SearchError: At the end, where trials have failed.
        """
        from tlx.search.journal import opened_storage
        from tlx.search.progress import Progress
        from tlx.search.search import Search
        from tlx.search.study import open_study
        from tlx.spark.hydra_files import MULTIRUN_FILE, redacted_config
        from tlx.spark.launcher.compose import sweep_folder
        from tlx.spark.launcher.launch import asked_of_hydra
        from tlx.sweeps.folder import write_sweep

        assert self.config is not None
        space, options = self._space(arguments), self.options
        first = seeds_of(options.seeds)[0]
        probes = [job_of(probe, first) for probe in islice(space.probes(), CONFIGS_CHECKED)]
        self.validate_batch_is_legal(probes)
        if options.sampler == "grid":
            space.size()
        folder = sweep_folder(self.config)
        folder.mkdir(parents=True, exist_ok=True)
        with opened_storage(options.storage, folder) as storage:
            study = open_study(storage, space, options)
            search = Search(study, storage, space, options, self._asked("retry_failed"))
            OmegaConf.save(redacted_config(self.config), folder / MULTIRUN_FILE)
            write_sweep(folder, asked_of_hydra(self.config))
            progress = Progress(search, folder)
            self._announce(search, folder)
            try:
                self._run(search, progress, folder)
            except BaseException:
                progress.write_results()
                raise
            progress.end()

    def _space(self, arguments: Sequence[str]) -> Space:
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        given = [f"{key}={value}" for key, value in self.options.params.items()]
        return space_of(parser.parse_overrides([*given, *arguments]))

    def _run(self, search: Search, progress: Progress, folder: Path) -> None:
        from tlx.search.asynchronous import AsynchronousRun
        from tlx.search.batches import run_in_batches
        from tlx.sweeps.resume import next_number

        options = self.options
        if not search.has_next():  # then no Spark is started either
            return
        if hasattr(self.launcher, "submit"):
            AsynchronousRun(
                search,
                progress,
                self.launcher,
                slots=options.n_jobs or self.launcher.slots(),
                first_number=next_number(folder),
                was_cancelled=was_cancelled,
                metric=options.metric if options.pruner else None,
                poll_s=options.poll_s,
                fail_fast=self._asked("fail_fast"),
            ).run()
            return
        run_in_batches(
            search,
            progress,
            self.launcher,
            n_jobs=options.n_jobs or 1,
            first_number=next_number(folder),
            was_cancelled=was_cancelled,
            fail_fast=self._asked("fail_fast"),
        )

    def _announce(self, search: Search, folder: Path) -> None:
        from tlx.search.samplers import reservation

        options, before = self.options, len(search.trials())
        log.info(
            "Search: %d trials%s by %s to %s, %d of them known, in %s",
            search.n_trials,
            "" if options.seeds is None else f", each the mean of {len(search.seeds)} jobs,",
            options.sampler,
            ", ".join(options.directions),
            before,
            folder,
        )
        words = reservation(options, search.space)
        if words is not None:
            log.warning("hydra.sweeper.sampler=%s: %s", options.sampler, words)
        if hasattr(self.launcher, "submit"):
            return
        if options.pruner is not None:
            log.warning(
                "hydra.sweeper.pruner=%s: this launcher cannot stop a job, so no trial is pruned. "
                "hydra/launcher=spark can.",
                options.pruner,
            )
        if options.n_jobs is None:
            log.info("One job at a time; hydra.sweeper.n_jobs=N gives the launcher N together.")

    def _asked(self, option: str) -> bool:
        """Return an option that not every launcher has."""
        assert self.config is not None
        return bool(self.config.hydra.launcher.get(option, False))


def was_cancelled(returned: JobReturn) -> bool:
    """Return whether a job was stopped from outside, by its record."""
    from tlx.sweeps.jobs import read_job

    if returned.status == JobStatus.COMPLETED or returned.hydra_cfg is None:
        return False
    folder = OmegaConf.select(returned.hydra_cfg, "hydra.runtime.output_dir")
    record = read_job(Path(folder)) if folder else None
    return record is not None and record.status == "cancelled"


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
