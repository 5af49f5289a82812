"""What is left to do in a sweep's folder that holds jobs already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tlx.sweeps.jobs import read_jobs
from tlx.sweeps.record import DONE, JobRecord, code_version, number_of
from tlx.sweeps.tlx_run import read_tlx_run

Action = Literal["run", "continue", "skip", "failed"]
_NEEDS_RETRY = {"failed", "timed_out"}


@dataclass(frozen=True)
class PlannedJob:
    """A job of the sweep that is about to start.

    Args:
        number: The number that Hydra gives it.
        overrides: What it is asked.
        config_hash: `tlx.sweeps.record.config_hash` of its resolved configuration.
        written_hash: `tlx.sweeps.record.written_hash` of the unresolved one, where the folder holds
            jobs that are known by it.
    """

    number: int
    overrides: Sequence[str]
    config_hash: str
    written_hash: str = ""


@dataclass(frozen=True)
class JobDecision:
    """What to do with one job.

    Args:
        job: The job.
        action: `run`: from its start. `continue`: with `resume=` the tlx run that `folder` holds.
            `skip`: it is complete, `record` holds its results. `failed`: it failed before and is
            not asked to be run again, `record` tells how.
        number: Its number in the sweep's folder: that of its earlier record, else a free one.
        folder: The folder of its earlier record.
        record: Its earlier record.
    """

    job: PlannedJob
    action: Action
    number: int
    folder: Path | None = None
    record: JobRecord | None = None


class EarlierJobs:
    """The jobs that a sweep's folder held when it was read, once, until new jobs claim them.

    A job is known again by its configuration's hash, whatever its number; two jobs of the same
    configuration are two jobs. A complete one is skipped. One that was killed, lost, cancelled or
    still running when its driver ended goes on: from its tlx run, where it has begun one, else
    from its start. One that failed or timed out does so only where that is asked.

    Args:
        folder: The sweep's folder; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        found = read_jobs(folder) if folder.is_dir() else []
        self.records = [record for _, record in found]
        # Complete ones first: where a configuration was run twice, the result is what counts.
        self._waiting = sorted(found, key=lambda pair: pair[1].status not in DONE)
        self._free = _next_number(folder, found)

    def claim(self, jobs: Sequence[PlannedJob], retry_failed: bool) -> tuple[JobDecision, ...]:
        """Return what to do with further jobs; no two of them get one number or one record."""
        return tuple(self._claim(job, retry_failed) for job in jobs)

    def unclaimed(self) -> list[JobRecord]:
        """Return the records that no job has claimed."""
        return [record for _, record in self._waiting]

    def _claim(self, job: PlannedJob, retry_failed: bool) -> JobDecision:
        found = _take(self._waiting, job)
        if found is not None:
            return JobDecision(job, _action(*found, retry_failed), found[1].number, *found)
        number = max(self._free, job.number)
        self._free = number + 1
        return JobDecision(job, "run", number)


def next_number(folder: Path) -> int:
    """Return the first number above those of all jobs in a sweep's folder; 0 for an empty one."""
    return _next_number(folder, read_jobs(folder) if folder.is_dir() else [])


def _next_number(folder: Path, earlier: Sequence[tuple[Path, JobRecord]]) -> int:
    named = [number_of(path) for path in folder.iterdir()] if folder.is_dir() else []
    return max([-1, *named, *(record.number for _, record in earlier)]) + 1


def _take(waiting: list[tuple[Path, JobRecord]], job: PlannedJob) -> tuple[Path, JobRecord] | None:
    """Take the job's earlier record out of those that no job has claimed yet."""
    for index, (_, record) in enumerate(waiting):
        if record.config_hash and record.config_hash in (job.config_hash, job.written_hash):
            return waiting.pop(index)
    return None


def _action(folder: Path, record: JobRecord, retry_failed: bool) -> Action:
    if record.status in DONE:
        return "skip"
    if record.status in _NEEDS_RETRY and not retry_failed:
        return "failed"
    return "continue" if _holds_unfinished_run(folder) else "run"


def _holds_unfinished_run(folder: Path) -> bool:
    """Return whether `resume=FOLDER` can go on there; a run without a checkpoint starts anew."""
    run, _ = read_tlx_run(folder)
    return run is not None and run.status != "completed"


def warnings_of(steps: Sequence[JobDecision], unclaimed: Sequence[JobRecord]) -> Iterator[str]:
    """Return what the user should know of jobs that go on, or are left alone."""
    here = code_version()
    kept = [step.record for step in steps if step.record and step.action in ("skip", "continue")]
    others = Counter(one.code_version for one in kept if one.code_version not in (None, here))
    for version, count in others.items():
        yield (
            f"{count} of {len(steps)} jobs were run by {version}, this is {here}: what they have "
            "done is kept. For results of one version only, choose another sweep folder."
        )
    if unclaimed:
        numbers = ", ".join(str(record.number) for record in unclaimed[:20])
        yield (
            f"{_jobs(unclaimed)} of the folder not in this sweep, left as before: "
            f"{numbers}{', ...' if len(unclaimed) > 20 else ''}."
        )
    failed = [step for step in steps if step.action == "failed"]
    if failed:
        yield f"{_jobs(failed)} failed before, not run again; retry_failed=true does that."


def _jobs(some: Sequence[object]) -> str:
    return "1 job" if len(some) == 1 else f"{len(some)} jobs"
