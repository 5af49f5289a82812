"""Compose a sweep's jobs on the driver, where relative paths and resolvers mean what they say."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobRuntime, JobStatus, filter_overrides
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from tlx.errors import TlxError
from tlx.spark.pickling import dumps, loads
from tlx.sweeps.plain_values import plain_value
from tlx.sweeps.record import config_hash, written_hash
from tlx.texts.redaction import redact_argument


@dataclass
class ComposedJob:
    """A job as it will run.

    Args:
        number: Its number in the sweep's folder.
        overrides: What the sweeper asked, Hydra's own options included.
        packed: The pickle of the composed configuration, Hydra's own part included: a hundredth
            of its memory, so that a thousand jobs can wait.
        folder: The job's absolute folder.
        config_hash: Fingerprint of its resolved configuration without Hydra's own part.
        may_resume: Whether to go on with the run that its folder holds.
        script: Fingerprint of the script that the job's function stands in, if it is one.
    """

    number: int
    overrides: list[str]
    packed: bytes
    folder: Path
    config_hash: str
    may_resume: bool = False
    script: str | None = None

    @property
    def shown_overrides(self) -> list[str]:
        """The overrides without Hydra's own options, and without secrets."""
        return [redact_argument(text) for text in filter_overrides(self.overrides)]

    @property
    def config(self) -> DictConfig:
        """A copy of the composed configuration, Hydra's own part included."""
        config: DictConfig = loads(self.packed)
        return config

    def numbered(self, number: int, may_resume: bool) -> ComposedJob:
        """Return the job under the number that it keeps in the sweep's folder."""
        if number == self.number:
            return replace(self, may_resume=may_resume)
        config = self.config
        _set_number(config, number)
        folder = _output_folder(config)
        packed = dumps(config)
        return replace(self, number=number, packed=packed, folder=folder, may_resume=may_resume)

    def job_return(self, working_dir: str | None = None) -> JobReturn:
        """Return what Hydra's sweeper gets, without status and value."""
        return LazyJobReturn(self, working_dir or str(Path.cwd()))


class LazyJobReturn(JobReturn):
    """Hydra's `JobReturn`, whose configurations are read only where somebody asks for them.

    Sweepers keep the returns of all jobs and look at their values.

    Args:
        job: The job.
        working_dir: Where it ran.
    """

    def __init__(self, job: ComposedJob, working_dir: str) -> None:
        self._job = job
        self.working_dir = working_dir
        self.task_name = JobRuntime.instance().get("name")
        self.status = JobStatus.UNKNOWN

    @cached_property
    def overrides(self) -> list[str]:  # type: ignore[override]
        """What was asked of the job, and of the whole sweep."""
        asked = OmegaConf.to_container(self._config.hydra.overrides.task)
        return cast("list[str]", asked)

    @cached_property
    def cfg(self) -> DictConfig:  # type: ignore[override]
        """The job's configuration without Hydra's own part."""
        return task_config(self._config)

    @cached_property
    def hydra_cfg(self) -> DictConfig:  # type: ignore[override]
        """Hydra's own part of the job's configuration."""
        return OmegaConf.masked_copy(self._config, "hydra")

    @cached_property
    def _config(self) -> DictConfig:
        config = self._job.config
        with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
            config.hydra.runtime.output_dir = str(self._job.folder)
        return config


def compose_job(
    context: HydraContext, sweep: DictConfig, overrides: Sequence[str], number: int
) -> ComposedJob:
    """Compose one job.

    Args:
        context: Hydra's config loader and callbacks.
        sweep: The sweep's own configuration.
        overrides: What the sweeper asks of this job.
        number: The job's number.
    """
    config = context.config_loader.load_sweep_config(sweep, list(overrides))
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = str(sweep_folder(sweep))
    _set_number(config, number)
    folder = _output_folder(config)
    return ComposedJob(number, list(overrides), dumps(config), folder, fingerprint(config))


def sweep_folder(sweep: DictConfig) -> Path:
    """Return the sweep's absolute folder.

    Raises:
        TlxError: Where Hydra would read its path as another one.
    """
    folder = Path(str(sweep.hydra.sweep.dir)).absolute()
    if "${" in str(folder):
        raise TlxError(
            f"hydra.sweep.dir={folder}: Hydra takes ${{...}} in the path of a folder that it "
            "writes to for a reference, and would write elsewhere. Give another folder: "
            "hydra.sweep.dir=FOLDER."
        )
    return folder


def task_config(config: DictConfig) -> DictConfig:
    """Return a job's configuration without Hydra's own part, as its function gets it."""
    task = copy.deepcopy(config)
    with read_write(task), open_dict(task):
        del task["hydra"]
    return task


def fingerprint(config: DictConfig) -> str:
    """Return the hash of a job's resolved configuration."""
    with _as_hydra_config(config):
        try:
            plain = OmegaConf.to_container(task_config(config), resolve=True, enum_to_str=True)
        except Exception:  # a resolver that works only in the job, a value still missing
            plain = OmegaConf.to_container(task_config(config), resolve=False, enum_to_str=True)
    return config_hash(cast("Mapping[str, Any]", plain_value(plain)))


def fingerprint_as_written(config: DictConfig) -> str:
    """Return the hash of a job's configuration as Hydra writes it into `.hydra/config.yaml`."""
    plain = OmegaConf.to_container(task_config(config), resolve=False, enum_to_str=True)
    return written_hash(cast("Mapping[str, Any]", plain_value(plain)))


def _set_number(config: DictConfig, number: int) -> None:
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.job.id = number
        config.hydra.job.num = number


def _output_folder(config: DictConfig) -> Path:
    with _as_hydra_config(config):
        subfolder = str(OmegaConf.select(config, "hydra.sweep.subdir"))
        return Path(str(config.hydra.sweep.dir), subfolder).absolute()


class _as_hydra_config:  # noqa: N801 - used as a function
    """Let `${hydra:...}` speak of one job while its configuration is resolved."""

    def __init__(self, config: DictConfig) -> None:
        self._config = config

    def __enter__(self) -> None:
        self._before = HydraConfig.instance().cfg
        HydraConfig.instance().set_config(self._config)

    def __exit__(self, *_: object) -> None:
        HydraConfig.instance().cfg = self._before
