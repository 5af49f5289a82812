"""One sweep on the driver: what runs, what is skipped, what is stopped, what is told."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext

from tlx.spark.config import SparkLauncherConf
from tlx.spark.isolation.files import STOP_FILE, clear, forget_envelope
from tlx.spark.isolation.task import JobTask, Member
from tlx.spark.launcher.compose import ComposedJob
from tlx.spark.launcher.job.devices import Devices
from tlx.spark.launcher.job.envelope import Envelope, members_of
from tlx.spark.launcher.job.function_reference import reference
from tlx.spark.launcher.job.hydra_job import pack_context
from tlx.spark.launcher.job.returns import job_return
from tlx.spark.launcher.pool import Pool
from tlx.spark.launcher.reporter import Reporter
from tlx.spark.launcher.sweep_hooks import hooks_of
from tlx.spark.leftovers import remove_shared, shared_folder
from tlx.spark.pickling import named

STOP_S = 4.0
"""Seconds that running jobs have to end by themselves after Ctrl-C, their grace included."""

log = logging.getLogger("tlx")


class Runner(Protocol):
    """Where tasks run."""

    def run(self, task: JobTask, description: str) -> Envelope:
        """Run a task and return how it ended."""

    def cancel(self, token: str) -> None:
        """End a task by force."""


@dataclass
class _Submitted:
    job: ComposedJob
    token: str
    future: Future[JobReturn]
    running: bool = False
    cancelled: str | None = None


class SweepRun:
    """A sweep while it runs.

    Args:
        function: Hydra's task function.
        hydra_context: Hydra's config loader and callbacks.
        options: The launcher's options.
        runner: Where tasks run.
        parallelism: How many jobs at a time.
        devices: The accelerators that this program hands out itself.
        reporter: Where everything is told.
        preload: Modules that a worker imports before it forks.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        hydra_context: HydraContext,
        options: SparkLauncherConf,
        runner: Runner,
        parallelism: int,
        devices: Devices,
        reporter: Reporter,
        preload: Sequence[str] = (),
    ) -> None:
        self._context = pack_context(function, hydra_context)
        self._callbacks = hydra_context.callbacks
        self._options, self._runner, self._devices = options, runner, devices
        self._board = reporter
        self.parallelism = parallelism
        self.hooks = hooks_of(function)
        self._pool: Pool[Any] = Pool(parallelism)
        self._submitted: dict[int, _Submitted] = {}
        self._lock = threading.RLock()
        self._stopped: str | None = None
        self._preparing: set[Path] = set()
        found = reference(function)
        self._learn = [found.module] if found else []
        self._preload = list(preload)

    def submit(self, job: ComposedJob) -> Future[JobReturn]:
        """Queue a job; the future gives what `launch` returns of it, and never raises for it."""
        submitted = self._queued(job)
        submitted.future = self._pool.submit(lambda: self._run(submitted))
        return submitted.future

    def submit_together(self, jobs: Sequence[ComposedJob]) -> list[Future[JobReturn]]:
        """Queue jobs that run in one process; each has its own future and its own end.

        Where that process does not end well, its jobs run again one by one.
        """
        group = [self._queued(job) for job in jobs]
        self._pool.submit(lambda: self._run_group(group))
        return [one.future for one in group]

    def prepare(self, jobs: Sequence[ComposedJob]) -> None:
        """Do what several jobs share, on all slots, and wait for it.

        Where it fails the jobs do it themselves.

        Args:
            jobs: One job for each piece of work.
        """
        parts = max(1, self.parallelism // max(1, len(jobs)))
        pieces = [(job, part) for job in jobs for part in range(parts)]
        futures = [self._pool.submit(partial(self._prepare, *p, parts)) for p in pieces]
        began = time.perf_counter()
        self.results(futures)
        if jobs and self._stopped_by() is None:
            seconds = time.perf_counter() - began
            log.info("Prepared what jobs share (%d parts) in %.1f s", len(pieces), seconds)

    def _queued(self, job: ComposedJob) -> _Submitted:
        token = f"tlx-{job.number}-{uuid4().hex[:8]}"
        job.folder.mkdir(parents=True, exist_ok=True)
        clear(job.folder)
        self._board.queued(job)
        submitted = _Submitted(job, token, Future())
        with self._lock:
            self._submitted[job.number] = submitted
        return submitted

    def results(self, futures: Sequence[Future[Any]]) -> None:
        """Wait for jobs; on Ctrl-C or SIGTERM stop all that runs, and pass that on."""
        pending = set(futures)
        try:
            while pending:
                _, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        except (KeyboardInterrupt, SystemExit):
            self.stop("stopped by the user")
            raise

    def cancel(self, number: int, reason: str = "cancelled") -> None:
        """Stop one job, whether it waits or runs."""
        with self._lock:
            submitted = self._submitted.get(number)
        if submitted is None:
            return
        if submitted.future.cancel():
            self._end(submitted, Envelope(status="cancelled", reason=reason))
        else:
            submitted.cancelled = reason
            with contextlib.suppress(OSError):
                (submitted.job.folder / STOP_FILE).touch()

    def stop(self, reason: str) -> None:
        """Cancel what waits, stop what runs, and wait for it: at most about five seconds."""
        self._cancel_all(reason)
        with self._lock:
            rest = [one.future for one in self._submitted.values()]
        ends = time.monotonic() + STOP_S
        _, hanging = wait(rest, timeout=STOP_S)
        if hanging:
            for one in self._live():
                self._runner.cancel(one.token)
            wait(hanging, timeout=max(1.0, ends + 1.5 - time.monotonic()))
        for one in self._live():  # what does not even end by force is not waited for
            self._end(one, Envelope(status="cancelled", reason=reason))

    def close(self) -> None:
        """Let the threads end; everything has been told before."""
        self._pool.close()
        remove_shared(self._board.folder)

    def _cancel_all(self, reason: str) -> None:
        self._stopped = reason
        for one in self._live():
            self.cancel(one.job.number, reason)
        for folder in list(self._preparing):
            with contextlib.suppress(OSError):
                (folder / STOP_FILE).touch()

    def _stopped_by(self) -> str | None:
        """Return why the whole sweep stops, if it does; another thread may just have set it."""
        return self._stopped

    def _live(self) -> list[_Submitted]:
        with self._lock:
            return list(self._submitted.values())

    def _run(self, submitted: _Submitted) -> JobReturn:
        """Run one job from a thread of the pool."""
        job = submitted.job
        if self._stopped_by():
            return self._end(submitted, Envelope(status="cancelled", reason=self._stopped))
        submitted.running = True
        try:
            with self._devices.lent() as environment:
                self._board.started(job)
                task = self._task(submitted, environment)
                envelope = self._runner.run(task, " ".join(job.shown_overrides) or "(defaults)")
        except Exception as error:  # of the launcher itself, such as an unpicklable configuration
            reason = named(error)
            envelope = Envelope(status="lost", reason=reason)
        stopped_by = submitted.cancelled or self._stopped_by()
        if envelope.status in ("lost", "cancelled") and stopped_by:
            envelope.status, envelope.reason = "cancelled", stopped_by
        return self._end(submitted, envelope)

    def _run_group(self, group: Sequence[_Submitted]) -> None:
        """Run jobs together from a thread of the pool, and settle each one's future."""
        live = [one for one in group if one.future.set_running_or_notify_cancel()]
        stopped = self._stopped_by()
        if not live or stopped:
            for one in live:
                self._settle(one, Envelope(status="cancelled", reason=stopped))
            return
        for one in live:
            one.running = True
            self._board.started(one.job)
        envelope = self._ended_group(live)
        for one, end in zip(live, members_of(envelope), strict=False):
            self._settle(one, end)
        if not envelope.members:
            self._run_one_by_one(live, envelope)

    def _settle(self, submitted: _Submitted, envelope: Envelope) -> None:
        """Tell how a job of a group ended; what fails in telling (a callback) is its own end."""
        try:
            submitted.future.set_result(self._end(submitted, envelope))
        except Exception as error:
            submitted.future.set_exception(error)

    def _ended_group(self, group: Sequence[_Submitted]) -> Envelope:
        try:
            with self._devices.lent() as environment:
                task = self._task(group[0], environment)
                task.group = [Member(one.job.packed, str(one.job.folder)) for one in group]
                if task.timeout_s is not None:
                    task.timeout_s *= len(group)
                return self._runner.run(task, f"{len(group)} jobs together")
        except Exception as error:
            return Envelope(status="lost", reason=named(error))

    def _run_one_by_one(self, group: Sequence[_Submitted], envelope: Envelope) -> None:
        why = envelope.reason or envelope.error or envelope.status
        if self._stopped_by() is None:
            log.warning("%d jobs that ran together run one by one now: %s", len(group), why)
        for one in group:
            one.running = False
            one.job = replace(one.job, may_resume=True)  # its folder holds a run that has begun
            one.token = f"{one.token}-alone"
            work = self._pool.submit(partial(self._run, one))
            work.add_done_callback(partial(_hand_on, one.future))

    def _prepare(self, job: ComposedJob, part: int, parts: int) -> None:
        folder = shared_folder(self._board.folder, job.number, part)
        folder.mkdir(parents=True, exist_ok=True)
        self._preparing.add(folder)
        try:
            if self._stopped_by() is None:
                self._run_part(replace(job, folder=folder), part, parts)
        finally:
            self._preparing.discard(folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _run_part(self, job: ComposedJob, part: int, parts: int) -> None:
        task = self._task(_Submitted(job, f"tlx-{uuid4().hex[:8]}", Future()), {})
        task.part, task.may_resume = (part, parts), False
        envelope = self._runner.run(task, f"what jobs share, part {part + 1} of {parts}")
        if envelope.status != "completed" and self._stopped_by() is None:
            said = envelope.error or envelope.reason or envelope.status
            log.warning("What jobs share could not be prepared; each job does it itself: %s", said)

    def _end(self, submitted: _Submitted, envelope: Envelope) -> JobReturn:
        """Tell how a job ended, once."""
        job = submitted.job
        returned = job_return(job, envelope)
        with self._lock:
            if self._submitted.pop(job.number, None) is None:
                return returned
        self._board.ended(job, envelope)
        (job.folder / STOP_FILE).unlink(missing_ok=True)
        forget_envelope(job.folder, submitted.token)
        if not envelope.told_callbacks and submitted.running:
            self._callbacks.on_job_end(config=job.config, job_return=returned)
        is_failure = returned.status == JobStatus.FAILED and envelope.status != "cancelled"
        if is_failure and self._options.fail_fast and self._stopped is None:
            self._cancel_all(f"fail_fast: job {job.number} {envelope.status}")
        return returned

    def _task(self, submitted: _Submitted, environment: dict[str, str]) -> JobTask:
        job, options = submitted.job, self._options
        return JobTask(
            number=job.number,
            folder=str(job.folder),
            config=job.packed,
            context=self._context,
            cwd=os.getcwd(),  # noqa: PTH109
            sys_path=[str(Path(entry or ".").absolute()) for entry in sys.path],
            environment=environment,
            isolation=options.isolation,
            preload=self._preload,
            threads=options.cpus_per_job,
            may_resume=job.may_resume,
            timeout_s=options.timeout_s,
            grace_s=options.grace_s,
            max_return_bytes=int(options.max_return_mb * 1e6),
            token=submitted.token,
            learn=self._learn,
            hooks=self.hooks,
        )


def _hand_on(future: Future[JobReturn], ended: Future[JobReturn]) -> None:
    """Settle a job's future with how it ended when it ran alone."""
    error = CancelledError() if ended.cancelled() else ended.exception()
    if error is None:
        future.set_result(ended.result())
    else:
        future.set_exception(error)
