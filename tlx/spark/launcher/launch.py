"""What both launchers do around their jobs: compose, compare with the folder, tell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from tlx.runs.links import refuse_links
from tlx.spark.isolation.files import script_of
from tlx.spark.launcher.compose import (
    ComposedJob,
    compose_job,
    fingerprint_as_written,
    sweep_folder,
)
from tlx.spark.launcher.job.function_reference import script_fingerprint
from tlx.sweeps.record import AS_WRITTEN, JobRecord
from tlx.sweeps.resume import EarlierJobs, JobDecision, PlannedJob, warnings_of

log = logging.getLogger("tlx")


@dataclass
class LaunchJob:
    """A job and what is to be done with it.

    Args:
        job: The job under its number in the folder.
        earlier: The record of an earlier sweep that settles it, or None where it has to run.
    """

    job: ComposedJob
    earlier: JobRecord | None


class Planner:
    """Composes jobs, and finds which of them the sweep's folder held when it was opened.

    Args:
        context: Hydra's config loader and callbacks.
        sweep: The sweep's own configuration.
        function: Hydra's task function.
        retry_failed: Whether jobs run again that failed before.
        is_first: Whether no batch went before, whose jobs would be told as another sweep's.
    """

    def __init__(
        self,
        context: HydraContext,
        sweep: DictConfig,
        function: TaskFunction,
        retry_failed: bool,
        is_first: bool,
    ) -> None:
        self._context, self._sweep = context, sweep
        self._script = script_fingerprint(function)
        self._retry_failed, self._is_first = retry_failed, is_first
        self._earlier = EarlierJobs(sweep_folder(sweep))

    @property
    def records(self) -> list[JobRecord]:
        """The records that the folder held."""
        return self._earlier.records

    def plan(self, job_overrides: Sequence[Sequence[str]], first_number: int) -> list[LaunchJob]:
        """Compose a whole sweep, and warn of what it finds and of what it leaves alone.

        Args:
            job_overrides: What the sweeper asks of each job.
            first_number: The number of the first.
        """
        jobs = [
            compose_job(self._context, self._sweep, overrides, first_number + index)
            for index, overrides in enumerate(job_overrides)
        ]
        planned, steps = self._steps(jobs)
        unclaimed = self._earlier.unclaimed() if self._is_first else []
        for warning in warnings_of(planned, unclaimed):
            log.warning("%s", warning)
        again = sum(
            step.earlier is None and old.action == "skip"
            for step, old in zip(steps, planned, strict=True)
        )
        if again:
            log.warning("The script has changed: %d jobs that were complete run again.", again)
        return steps

    def plan_one(self, overrides: Sequence[str], number: int) -> LaunchJob:
        """Compose one job of a sweep whose others are not known yet; it warns of nothing."""
        job = compose_job(self._context, self._sweep, overrides, number)
        return self._steps([job])[1][0]

    def _steps(
        self, jobs: Sequence[ComposedJob]
    ) -> tuple[tuple[JobDecision, ...], list[LaunchJob]]:
        others = any(one.config_hash.startswith(AS_WRITTEN) for one in self.records)
        asked = [
            PlannedJob(
                job.number,
                job.shown_overrides,
                job.config_hash,
                fingerprint_as_written(job.config) if others else "",
            )
            for job in jobs
        ]
        planned = self._earlier.claim(asked, self._retry_failed)
        pairs = zip(jobs, planned, strict=True)
        steps = [_step(job, step, self._script) for job, step in pairs]
        for step in steps:
            if step.earlier is None:
                refuse_links(step.job.folder)
        return planned, steps


def asked_of_hydra(sweep: DictConfig) -> list[str]:
    """Return the command line of a sweep, as far as Hydra has read it."""
    overrides = OmegaConf.to_container(sweep.hydra.overrides)
    assert isinstance(overrides, dict)
    return [*overrides["hydra"], *overrides["task"]]


def _step(job: ComposedJob, step: JobDecision, script: str | None) -> LaunchJob:
    settled = step.action in ("skip", "failed")
    if step.action == "skip" and step.folder is not None and script_of(step.folder) != script:
        settled = False
    numbered = job.numbered(step.number, may_resume=step.record is not None)
    if step.folder is not None:
        numbered.folder = step.folder
    numbered.script = script
    return LaunchJob(numbered, step.record if settled else None)
