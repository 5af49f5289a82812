"""`hydra/launcher=debug`: one job after the other, here, with pdb where one raises."""

from __future__ import annotations

import pdb
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from tlx.runs.run import peak_memory_mb
from tlx.spark.config import DebugLauncherConf
from tlx.spark.hydra_files import redact_sweep_file
from tlx.spark.launcher.compose import ComposedJob, sweep_folder
from tlx.spark.launcher.composed_once import compose_once
from tlx.spark.launcher.job.envelope import Envelope
from tlx.spark.launcher.job.hydra_job import run_composed
from tlx.spark.launcher.job.job_end import outcome_of
from tlx.spark.launcher.job.returns import earlier_return, job_return
from tlx.spark.launcher.launch import LaunchJob, Planner, asked_of_hydra
from tlx.spark.launcher.reporter import Reporter
from tlx.sweeps.folder import claimed_sweep


class DebugLauncher(Launcher):
    """Runs a sweep's jobs in this process, with the folder and the records of the Spark launcher.

    Args:
        **options: The fields of `DebugLauncherConf`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = DebugLauncherConf(**options)
        self._is_first = True  # of the batches of a sweep

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra knows of the sweep."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config
        compose_once(hydra_context)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run jobs, those left out that the sweep's folder holds complete.

        Args:
            job_overrides: What the sweeper asks of each job.
            initial_job_idx: The number of the first.

        Returns:
            One per job, in order.
        """
        setup_globals()
        redact_sweep_file(self.config)
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        folder = sweep_folder(self.config)
        with ExitStack() as stack:
            stack.enter_context(claimed_sweep(folder, asked_of_hydra(self.config)))
            planner = Planner(
                self.hydra_context,
                self.config,
                self.task_function,
                self.options.retry_failed,
                self._is_first,
            )
            steps = planner.plan(job_overrides, initial_job_idx)
            self._is_first = False
            reporter = Reporter(folder, planner.records, len(steps))
            stack.callback(reporter.close)
            returns: list[JobReturn] = []
            for step in steps:
                returns.append(self._settle(step, reporter, returns))
        return returns

    def _settle(
        self, step: LaunchJob, reporter: Reporter, before: Sequence[JobReturn]
    ) -> JobReturn:
        if step.earlier is not None:
            reporter.skipped(step.earlier)
            return earlier_return(step.job, step.earlier)
        if self.options.fail_fast and any(one.status == JobStatus.FAILED for one in before):
            envelope = Envelope(status="cancelled", reason="fail_fast: a job before it failed")
            reporter.ended(step.job, envelope)
            return job_return(step.job, envelope)
        return self._run(step.job, reporter)

    def _run(self, job: ComposedJob, reporter: Reporter) -> JobReturn:
        reporter.started(job)
        started_at, started = _now(), time.perf_counter()
        try:
            returned = run_composed(
                self.task_function, job.config, self.hydra_context, job.may_resume, False
            )
        except KeyboardInterrupt:
            reporter.ended(job, Envelope(status="cancelled", reason="stopped by the user"))
            raise
        finally:
            configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        envelope = Envelope.from_builtins(outcome_of(returned, sys.maxsize))
        envelope.seconds = round(time.perf_counter() - started, 3)
        envelope.started_at, envelope.finished_at = started_at, _now()
        envelope.host, envelope.peak_memory_mb = platform.node(), round(peak_memory_mb(), 1)
        reporter.ended(job, envelope)
        if returned.status == JobStatus.FAILED and self._opens_debugger():
            pdb.post_mortem(returned._return_value.__traceback__)
        # A value that Spark could not bring back is a failure here too: that is what debug is for.
        broken = returned.status == JobStatus.COMPLETED and envelope.status != "completed"
        return job_return(job, envelope) if broken else returned

    def _opens_debugger(self) -> bool:
        if self.options.post_mortem is not None:
            return self.options.post_mortem
        return sys.stdin.isatty() and sys.stderr.isatty()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
