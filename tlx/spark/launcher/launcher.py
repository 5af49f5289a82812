"""`hydra/launcher=spark`: every job of a sweep alone on a Spark slot."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from tlx.errors import ConfigError, Fault, did_you_mean
from tlx.spark.config import SparkLauncherConf
from tlx.spark.hydra_files import redact_sweep_file
from tlx.spark.launcher.compose import ComposedJob, sweep_folder
from tlx.spark.launcher.composed_once import compose_once
from tlx.spark.launcher.job.devices import Devices, visible_devices
from tlx.spark.launcher.job.preload import preloaded
from tlx.spark.launcher.job.returns import earlier_return
from tlx.spark.launcher.launch import LaunchJob, Planner, asked_of_hydra
from tlx.spark.launcher.pool import in_background
from tlx.spark.launcher.reporter import Reporter
from tlx.spark.launcher.submission import submit_all
from tlx.spark.launcher.sweep_hooks import hooks_of
from tlx.spark.launcher.sweep_run import SweepRun
from tlx.spark.leftovers import remove_checks, remove_shared
from tlx.spark.secret_properties import flat_properties, java_option_faults
from tlx.spark.terminated import ended_by_sigterm
from tlx.sweeps.folder import claimed_sweep, holds_jobs

OpenedSpark = tuple[Any, int, Devices]
"""What runs tasks, how many at a time, and the accelerators to lend them."""

GIVE_UP_S = 2.0
"""Most seconds that the end of a Spark is waited for which was killed while it started."""

ISOLATIONS = ("fork", "subprocess", "none")
log = logging.getLogger("tlx")


class SparkLauncher(Launcher):
    """Runs a sweep's jobs on Spark; `launch` never raises for a job.

    A sweeper that has the next job only when one has ended uses `submit`, `cancel` and `close`.

    Args:
        **options: The fields of `SparkLauncherConf`.
    """

    def __init__(self, **options: Any) -> None:
        plain = {name: _plain(value) for name, value in options.items()}
        self.options = SparkLauncherConf(**plain)
        self._open: tuple[SweepRun, Reporter] | None = None
        self._planner: Planner | None = None
        self._starting: Future[OpenedSpark] | None = None
        self._awaited: Future[OpenedSpark] | None = None
        self._signals = ExitStack()
        self._is_first = True  # of the batches of a sweep
        self._numbers: dict[int, int] = {}
        self._folders: dict[int, Path] = {}
        self._closing = ExitStack()

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra knows of the sweep.

        Raises:
            ConfigError: Where an option cannot be used.
        """
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config
        faults = option_faults(self.options)
        if faults:
            raise ConfigError(faults)
        compose_once(hydra_context)
        if not holds_jobs(self.folder):  # Spark starts while the sweeper checks the jobs
            self._starting = self._awaited = in_background(self._opened_spark)
        self._signals.enter_context(ended_by_sigterm())

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run jobs, those left out that the sweep's folder holds complete.

        Args:
            job_overrides: What the sweeper asks of each job.
            initial_job_idx: The number of the first.

        Returns:
            One per job, in order; `FAILED` ones carry the exception with the remote traceback.

        Raises:
            SparkStartError: Where there is no Spark to run on.
            KeyboardInterrupt: After Ctrl-C, when all is stopped and the table written.
        """
        redact_sweep_file(self.config)
        if not job_overrides:
            return []
        self._prepare()
        with ExitStack() as stack:
            self._claim(stack)
            planner = self._new_planner()
            self._is_first = False
            is_planned = planner.records or hooks_of(self.task_function)
            launched = self._compared if is_planned else self._composed_meanwhile
            returns = launched(stack, planner, job_overrides, initial_job_idx)
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        return returns

    def _compared(
        self, stack: ExitStack, planner: Planner, asked: Sequence[Sequence[str]], first: int
    ) -> list[JobReturn]:
        """Run what is left to do once all is known: what the folder holds, what goes together."""
        steps = planner.plan(asked, first)
        run, reporter = self._start(stack, planner, steps)
        for step in steps:
            if step.earlier is not None:
                reporter.skipped(step.earlier)
        futures: dict[int, Future[JobReturn]] = {}
        if run is not None:
            to_run = {i: step.job for i, step in enumerate(steps) if step.earlier is None}
            futures = submit_all(run, to_run, bank=self.options.bank)
            run.results(list(futures.values()))
        return [_returned(index, step, futures) for index, step in enumerate(steps)]

    def _composed_meanwhile(
        self, stack: ExitStack, planner: Planner, asked: Sequence[Sequence[str]], first: int
    ) -> list[JobReturn]:
        """Run jobs in an empty folder: composed while Spark starts, and while others run."""
        spark = self._spark_starting()
        jobs: list[ComposedJob] = []
        futures: list[Future[JobReturn]] = []
        run: SweepRun | None = None
        try:
            for index, overrides in enumerate(asked):
                jobs.append(planner.plan_one(overrides, first + index).job)
                if run is None and spark.done():
                    run, _ = self._opened_run(stack, planner, len(asked), len(asked), spark)
                if run is not None:
                    futures.extend(run.submit(job) for job in jobs[len(futures) :])
            if run is None:
                run, _ = self._opened_run(stack, planner, len(asked), len(asked), spark)
            futures.extend(run.submit(job) for job in jobs[len(futures) :])
        except BaseException as error:
            if run is not None:
                is_interrupt = isinstance(error, KeyboardInterrupt | SystemExit)
                run.stop("stopped by the user" if is_interrupt else "a job cannot be composed")
            raise
        run.results(futures)
        return [_ended(job, future) for job, future in zip(jobs, futures, strict=True)]

    def submit(self, overrides: Sequence[str], number: int) -> Future[JobReturn]:
        """Queue one job and return at once.

        Args:
            overrides: What the sweeper asks of it.
            number: Its number; a job that the folder holds already keeps its own.
        """
        planner = self._opened_planner()
        step = planner.plan_one(overrides, number)
        run, reporter = self._opened(planner)
        self._numbers[number], self._folders[number] = step.job.number, step.job.folder
        if step.earlier is None:
            return run.submit(step.job)
        reporter.skipped(step.earlier)
        settled: Future[JobReturn] = Future()
        settled.set_result(earlier_return(step.job, step.earlier))
        return settled

    def cancel(self, number: int, reason: str = "cancelled") -> None:
        """Stop a submitted job, whether it waits or runs."""
        if self._open is not None and number in self._numbers:
            self._open[0].cancel(self._numbers[number], reason)

    def folder_of(self, number: int) -> Path | None:
        """Return the folder of a submitted job, or None where no such job was submitted.

        Args:
            number: The number that it was submitted by; its folder may keep an older one.
        """
        return self._folders.get(number)

    def stop(self, reason: str) -> None:
        """Stop all submitted jobs: at most about five seconds."""
        if self._open is not None:
            self._open[0].stop(reason)

    def close(self) -> None:
        """End what `submit` opened: the table is written, all failures are shown again."""
        self._open = self._planner = None
        self._closing.close()

    @property
    def folder(self) -> Path:
        """The sweep's absolute folder."""
        return sweep_folder(self.config)

    def slots(self) -> int:
        """Return how many jobs run at a time; starts Spark where it does not run yet."""
        self._starting = self._spark_starting()
        return self._starting.result()[1]

    def _opened_planner(self) -> Planner:
        """Return what plans submitted jobs; the folder is read by the first of them only."""
        if self._planner is None:
            self._prepare()
            self._claim(self._closing)
            self._planner = self._new_planner()
            if self._planner.records:
                told = "The folder holds %d jobs of earlier sweeps; those asked again keep theirs."
                log.info(told, len(self._planner.records))
        return self._planner

    def _opened(self, planner: Planner) -> tuple[SweepRun, Reporter]:
        """Return what runs submitted jobs, opened by the first of them."""
        if self._open is None:
            self._open = self._opened_run(self._closing, planner, None, None)
        return self._open

    def _prepare(self) -> None:
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _claim(self, stack: ExitStack) -> None:
        """Hold the sweep's folder, and remove what is there only while a sweep runs."""
        stack.callback(self._signals.close)
        stack.enter_context(ended_by_sigterm())
        stack.enter_context(claimed_sweep(self.folder, asked_of_hydra(self.config)))
        stack.callback(remove_checks, self.folder)
        stack.callback(self._give_up)
        remove_shared(self.folder)

    def _give_up(self) -> None:
        """End a Spark that is still starting when an error, or Ctrl-C, ends the sweep."""
        if self._awaited is not None and not self._awaited.done():
            from tlx.spark.session import abort

            abort()
            wait([self._awaited], timeout=GIVE_UP_S)

    def _new_planner(self) -> Planner:
        retry, is_first = self.options.retry_failed, self._is_first
        return Planner(self.hydra_context, self.config, self.task_function, retry, is_first)

    def _start(
        self, stack: ExitStack, planner: Planner, steps: Sequence[LaunchJob]
    ) -> tuple[SweepRun | None, Reporter]:
        """Open Spark where there is something to run, and what tells of it."""
        to_run = sum(step.earlier is None for step in steps)
        if to_run:
            return self._opened_run(stack, planner, len(steps), to_run)
        log.info("All %d jobs are settled in %s: nothing to run.", len(steps), self.folder)
        reporter = Reporter(self.folder, planner.records, len(steps))
        stack.callback(reporter.close)
        return None, reporter

    def _opened_run(
        self,
        stack: ExitStack,
        planner: Planner,
        total: int | None,
        to_run: int | None,
        spark: Future[OpenedSpark] | None = None,
    ) -> tuple[SweepRun, Reporter]:
        """Open Spark, and what tells of it; the counts are None where jobs come one by one."""
        runner, parallelism, devices = (spark or self._spark_starting()).result()
        log.info(
            "Launching %s on Spark (%s), %d at a time, in %s",
            "jobs as they come" if to_run is None else f"{to_run} jobs",
            self.options.master,
            parallelism,
            self.folder,
        )
        reporter = Reporter(self.folder, planner.records, total)
        stack.callback(reporter.close)
        run = SweepRun(
            self.task_function,
            self.hydra_context,
            self.options,
            runner,
            parallelism,
            devices,
            reporter,
            preloaded(self.options.preload, self.task_function),
        )
        stack.callback(run.close)
        return run, reporter

    def _spark_starting(self) -> Future[OpenedSpark]:
        """Return the Spark that is being opened in the background, or begin to open it."""
        starting, self._starting = self._starting, None
        self._awaited = starting or in_background(self._opened_spark)
        return self._awaited

    def _opened_spark(self) -> OpenedSpark:
        """Open Spark, check it, and return its runner, the number of slots and the devices."""
        from tlx.spark.launcher.checks import check_session
        from tlx.spark.launcher.spark_runner import SparkRunner
        from tlx.spark.session import open_session, session_options

        options = self.options
        asked = session_options(
            options.master,
            dict(options.conf),
            options.cpus_per_job,
            options.start_timeout_s,
            preloaded(options.preload, self.task_function) if options.isolation == "fork" else (),
        )
        gpus = options.gpus_per_job if asked.is_local else 0
        devices = Devices(visible_devices() if gpus else [], gpus)
        self.folder.mkdir(parents=True, exist_ok=True)
        session = open_session(asked, self.folder / "spark.log")
        if self.folder not in session.checked:
            check_session(session, self.folder)
            session.checked.add(self.folder)
        runner = SparkRunner(session, options.cpus_per_job, options.gpus_per_job)
        slots = options.parallelism or runner.slots()
        return runner, min(slots, devices.jobs or slots), devices


def option_faults(options: SparkLauncherConf) -> list[Fault]:
    """Return every option of the launcher that cannot be used."""
    faults = []
    if options.isolation not in ISOLATIONS:
        remedy = did_you_mean(options.isolation, ISOLATIONS)
        faults.append(
            Fault("hydra.launcher.isolation", options.isolation, "no such isolation", remedy)
        )
    least = {"parallelism": 1, "cpus_per_job": 1, "gpus_per_job": 0, "grace_s": 0, "timeout_s": 0}
    for name, smallest in least.items():
        value = getattr(options, name)
        if value is not None and (value < smallest or (name == "timeout_s" and value == 0)):
            reason, remedy = "too small", f"Give {smallest} or more."
            faults.append(Fault(f"hydra.launcher.{name}", value, reason, remedy))
    return [*faults, *java_option_faults(flat_properties(options.conf))]


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _returned(index: int, step: LaunchJob, futures: dict[int, Future[JobReturn]]) -> JobReturn:
    if step.earlier is not None:
        return earlier_return(step.job, step.earlier)
    return _ended(step.job, futures[index])


def _ended(job: ComposedJob, future: Future[JobReturn]) -> JobReturn:
    if future.cancelled():
        from tlx.spark.launcher.job.envelope import Envelope
        from tlx.spark.launcher.job.returns import job_return

        return job_return(job, Envelope(status="cancelled", reason="cancelled while queued"))
    return future.result()
