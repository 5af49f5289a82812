"""What both launchers do around their jobs: compose, compare with the folder, tell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from tlx.spark.compose import ComposedJob, compose_job, sweep_folder
from tlx.spark.function_reference import script_fingerprint
from tlx.spark.isolation.files import script_of
from tlx.sweeps.record import JobRecord
from tlx.sweeps.resume import PlannedJob, PlannedStep, plan_resume

log = logging.getLogger("tlx")


@dataclass
class Step:
    """A job and what is to be done with it.

    Args:
        job: The job under its number in the folder.
        earlier: The record of an earlier sweep that settles it, or None where it has to run.
    """

    job: ComposedJob
    earlier: JobRecord | None


def plan(
    context: HydraContext,
    sweep: DictConfig,
    job_overrides: Sequence[Sequence[str]],
    first_number: int,
    retry_failed: bool,
    function: TaskFunction,
) -> list[Step]:
    """Compose every job, and find which of them the sweep's folder holds already.

    Args:
        context: Hydra's config loader and callbacks.
        sweep: The sweep's own configuration.
        job_overrides: What the sweeper asks of each job.
        first_number: The number of the first job.
        retry_failed: Whether jobs run again that failed before.
        function: Hydra's task function.
    """
    jobs = [
        compose_job(context, sweep, overrides, first_number + index)
        for index, overrides in enumerate(job_overrides)
    ]
    asked = [PlannedJob(job.number, job.shown_overrides, job.config_hash) for job in jobs]
    planned = plan_resume(sweep_folder(sweep), asked, retry_failed)
    for warning in planned.warnings:
        log.warning("%s", warning)
    script = script_fingerprint(function)
    steps = [_step(job, step, script) for job, step in zip(jobs, planned.steps, strict=True)]
    again = sum(
        step.earlier is None and old.action == "skip"
        for step, old in zip(steps, planned.steps, strict=True)
    )
    if again:
        log.warning("The script has changed: %d jobs that were complete run again.", again)
    return steps


def asked_of_hydra(sweep: DictConfig) -> list[str]:
    """Return the command line of a sweep, as far as Hydra has read it."""
    overrides = OmegaConf.to_container(sweep.hydra.overrides)
    assert isinstance(overrides, dict)
    return [*overrides["hydra"], *overrides["task"]]


def _step(job: ComposedJob, step: PlannedStep, script: str | None) -> Step:
    settled = step.action in ("skip", "failed")
    if step.action == "skip" and step.folder is not None and script_of(step.folder) != script:
        settled = False
    numbered = job.numbered(step.number, may_resume=step.record is not None)
    if step.folder is not None:
        numbered.folder = step.folder
    numbered.script = script
    return Step(numbered, step.record if settled else None)
