"""Jobs that run together in one process, and work that is done for several of them beforehand."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tlx.spark.isolation.task import JobTask
from tlx.spark.launcher.compose import task_config
from tlx.spark.launcher.job.hydra_job import open_context, run_composed
from tlx.spark.launcher.job.job_end import outcome_of
from tlx.spark.launcher.sweep_hooks import load_hooks
from tlx.spark.pickling import loads
from tlx.texts.redaction import redact_argument


def run_group(task: JobTask) -> dict[str, Any]:
    """Run the jobs of a group and return their ends.

    What Hydra does around each job (its folder, its log, the callbacks) is done afterwards, one
    job after the other.

    Args:
        task: What to run.

    Returns:
        An outcome whose `members` are the jobs' own, in order.
    """
    shared, function = open_context(task.context)
    configs = [loads(member.config) for member in task.group]
    folders = [Path(member.folder) for member in task.group]
    assert task.hooks is not None, "who groups has hooks"
    values = load_hooks(task.hooks).run_together(
        [task_config(config) for config in configs],
        folders,
        [_command(function.__module__, config) for config in configs],
    )
    members = []
    for config, value in zip(configs, values, strict=True):
        job = run_composed(_telling(function, value), config, shared.hydra_context, False)
        members.append(outcome_of(job, task.max_return_bytes))
    return {"status": "completed", "members": members}


def run_part(task: JobTask) -> dict[str, Any]:
    """Do one part of what jobs share, and return its end.

    Args:
        task: What to run.
    """
    open_context(task.context)
    assert task.part is not None
    assert task.hooks is not None, "who shares has hooks"
    part, parts = task.part
    load_hooks(task.hooks).prepare(task_config(loads(task.config)), part, parts)
    return {"status": "completed"}


def _telling(function: Callable[..., Any], value: Any) -> Callable[[DictConfig], Any]:
    """Return a job that ends as the group has found; its name is the command's."""

    def tell(cfg: DictConfig) -> Any:
        del cfg
        if isinstance(value, BaseException):
            raise value
        return value

    tell.__module__ = function.__module__
    return tell


def _command(module: str, config: DictConfig) -> str:
    asked = OmegaConf.to_container(config.hydra.overrides.task)
    assert isinstance(asked, list)
    return shlex.join(["python", "-m", module, *(redact_argument(str(text)) for text in asked)])
