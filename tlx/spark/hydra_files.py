"""Hydra's own files of a run or a sweep, once more without secrets."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tlx.runs.atomic import write_text
from tlx.texts.redaction import redact, redacted_now

MULTIRUN_FILE = "multirun.yaml"
_OF_A_JOB = ("config.yaml", "hydra.yaml", "overrides.yaml")
log = logging.getLogger("tlx")


def redact_job_files(config: DictConfig, folder: Path) -> None:
    """Take the secrets out of what Hydra has written of a job, just before the job starts.

    Args:
        config: The job's configuration, with or without Hydra's own part.
        folder: The job's folder.
    """
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    if hydra.output_subdir is not None and (_has_secret(config) or _has_secret(hydra)):
        for name in _OF_A_JOB:
            redact_file(folder / str(hydra.output_subdir) / name)
        redact_file(Path(str(hydra.sweep.dir)) / MULTIRUN_FILE)


def redact_sweep_file(config: DictConfig) -> None:
    """Take the secrets out of the `multirun.yaml` that a sweeper has written.

    Args:
        config: The sweep's configuration, with Hydra's own part.
    """
    if _has_secret(config):
        redact_file(Path(str(config.hydra.sweep.dir)) / MULTIRUN_FILE)


def redacted_config(config: DictConfig) -> DictConfig:
    """Return a copy of a configuration without its secrets, references left as they are."""
    redacted: DictConfig = OmegaConf.create(redact(_plain(config)))
    return redacted


def redact_file(path: Path) -> None:
    """Write a YAML file anew without its secrets; one that is missing or has none stays."""
    if not path.is_file() or path.is_symlink():
        return
    content = _plain(OmegaConf.load(path))
    if redacted_now(content, redact(content)):
        write_text(path, OmegaConf.to_yaml(OmegaConf.create(redact(content))))


def _has_secret(config: Any) -> bool:
    content = _plain(config)
    return bool(redacted_now(content, redact(content)))


def _plain(config: Any) -> Any:
    return OmegaConf.to_container(config, resolve=False, enum_to_str=True)
