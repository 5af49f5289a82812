"""One Hydra job as one Spark job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tlx.spark.isolation.task import JobTask
from tlx.spark.launcher.job.envelope import Envelope
from tlx.spark.launcher.job.worker import run_in_worker
from tlx.spark.launcher.watch import watched
from tlx.texts.redaction import redact_text

if TYPE_CHECKING:
    from pyspark.resource import ResourceProfile

    from tlx.spark.session import Session

SETTLE_S = 1.0


class SparkRunner:
    """Runs tasks on Spark, each alone: what ends one Spark job ends one Hydra job.

    Args:
        session: A started Spark.
        cpus_per_job: Cores of one job.
        gpus_per_job: Accelerators of one job.
    """

    def __init__(self, session: Session, cpus_per_job: int, gpus_per_job: int) -> None:
        self._context = session.context
        self._is_local = session.options.is_local
        self._cpus = cpus_per_job
        needs_profile = not self._is_local and (cpus_per_job > 1 or gpus_per_job > 0)
        self._profile = resource_profile(cpus_per_job, gpus_per_job) if needs_profile else None

    def slots(self) -> int:
        """Return how many jobs can run at a time, once the executors have registered."""
        cores = int(self._context.defaultParallelism)
        ends = time.monotonic() + 10.0
        while not self._is_local and time.monotonic() < ends:
            time.sleep(SETTLE_S)  # executors register one by one
            before, cores = cores, int(self._context.defaultParallelism)
            if before == cores:
                break
        return max(1, cores // self._cpus)

    def run(self, task: JobTask, description: str) -> Envelope:
        """Run one task and return how it ended; a lost executor or a stop is no exception.

        Args:
            task: What to run.
            description: What Spark's own pages call it.
        """
        started = time.perf_counter()
        self._context.setJobGroup(task.token, description)
        with watched(task, self.cancel) as watch:
            try:
                data = self._context.parallelize([task.to_builtins()], 1)
                if self._profile is not None:
                    data = data.withResources(self._profile)
                return Envelope.from_builtins(data.map(run_task).collect()[0])
            except Exception as error:
                end = Envelope(status="lost", reason=_reason(error))
                if watch.is_overdue:
                    end = Envelope(status="timed_out", reason=_overdue(task))
                end.seconds = round(time.perf_counter() - started, 3)
                return end

    def cancel(self, token: str) -> None:
        """Have Spark end a task by force: it kills the worker, and the worker's fork with it."""
        self._context.cancelJobGroup(token)


def run_task(given: dict[str, Any]) -> dict[str, Any]:
    """Run a task in a Spark worker.

    Args:
        given: A `JobTask` as builtins.
    """
    from pyspark import TaskContext

    task, context = JobTask.from_builtins(given), TaskContext.get()
    if context is not None:
        task.attempt = context.attemptNumber()
        task.may_resume = task.may_resume or task.attempt > 0
        resources = context.resources()
        if "gpu" in resources:  # Spark assigns addresses, but tells only those who ask
            addresses = ",".join(resources["gpu"].addresses)
            task.environment["CUDA_VISIBLE_DEVICES"] = addresses
    return run_in_worker(task)


def resource_profile(cpus: int, gpus: int) -> ResourceProfile:
    """Return what one task needs, for masters that schedule by it."""
    from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

    requests = TaskResourceRequests().cpus(cpus)
    if gpus:
        requests = requests.resource("gpu", gpus)
    return ResourceProfileBuilder().require(requests).build


def _overdue(task: JobTask) -> str:
    return (
        f"longer than timeout_s={task.timeout_s:g}; its worker was stopped or hung and did not end "
        "it, so Spark was told to kill the worker"
    )


def _reason(error: Exception) -> str:
    """Return what Spark says of a task that it lost, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Lost task" in line or "SparkException" in line]
    said = " ".join((telling or lines or [type(error).__name__])[0].split())[:400]
    return redact_text(f"Spark lost the worker or executor: {said}")
