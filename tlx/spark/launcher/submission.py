"""Handing a sweep's jobs to Spark: what they share first, then groups, then the others."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future

from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from tlx.spark.launcher.compose import ComposedJob, task_config
from tlx.spark.launcher.sweep_hooks import Groups, load_hooks
from tlx.spark.launcher.sweep_run import SweepRun

log = logging.getLogger("tlx")


def submit_all(
    run: SweepRun, jobs: Mapping[int, ComposedJob], *, bank: bool
) -> dict[int, Future[JobReturn]]:
    """Submit jobs, together where their command knows how to; all futures are returned at once.

    Args:
        run: The sweep.
        jobs: The jobs by their position.
        bank: Whether jobs may run together.

    Returns:
        A future for each position.
    """
    if run.hooks is None or not jobs:
        return {index: run.submit(job) for index, job in jobs.items()}
    positions = list(jobs)
    fresh = [index for index in positions if not jobs[index].may_resume]
    configs = [_config(jobs[index]) for index in fresh]
    try:
        planned = load_hooks(run.hooks).groups(configs, run.parallelism, bank)
    except Exception as error:  # a job at fault tells its own fault when it runs
        log.warning("The jobs run one by one: they cannot be planned together (%s).", error)
        planned = Groups((), (), "")
    if planned.words and (planned.members or planned.shared):
        log.info("%s", planned.words)
    run.prepare([jobs[fresh[index]] for index in planned.shared])
    futures: dict[int, Future[JobReturn]] = {}
    for group in planned.members:
        members = [fresh[index] for index in group]
        ends = run.submit_together([jobs[index] for index in members])
        futures |= dict(zip(members, ends, strict=True))
    return futures | {i: run.submit(jobs[i]) for i in positions if i not in futures}


def _config(job: ComposedJob) -> DictConfig:
    return task_config(job.config)
