"""What a worker is given to run one job; it travels as plain builtins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Member:
    """One of the jobs that run together.

    Args:
        config: The pickle of its composed configuration.
        folder: Its absolute folder.
    """

    config: bytes
    folder: str


@dataclass
class JobTask:
    """One job for a worker.

    Args:
        number: The job's number.
        folder: The job's absolute folder.
        config: The pickle of its composed configuration.
        context: The pickle of what all jobs share (`pack_context`).
        cwd: The folder where the sweep was started; relative paths of the job start there.
        sys_path: Where the driver finds its modules.
        environment: Variables of the driver that a job shall see (`CUDA_VISIBLE_DEVICES`).
        isolation: `fork`, `subprocess` or `none`.
        preload: Modules to import before a fork.
        threads: Threads for torch and OpenMP.
        may_resume: Go on with the run that the folder holds, where it holds one.
        timeout_s: Most seconds, or None.
        grace_s: Seconds between SIGTERM and SIGKILL.
        max_return_bytes: Largest pickle of a return value.
        token: Names this submission, so that a retry can tell its own files.
        attempt: Spark's attempt, counted from 0.
        learn: Modules to import before the next forks once a job has ended well.
        hooks: The module with what the command offers sweeps (`SweepHooks`), if it has one.
        group: Each job where several run together.
        part: Which part (counted from 0) of how many, where this is work that jobs share.
    """

    number: int
    folder: str
    config: bytes
    context: bytes
    cwd: str
    sys_path: list[str]
    environment: dict[str, str]
    isolation: str
    preload: list[str]
    threads: int
    may_resume: bool
    timeout_s: float | None
    grace_s: float
    max_return_bytes: int
    token: str
    attempt: int = 0
    learn: list[str] = field(default_factory=list)
    hooks: str | None = None
    group: list[Member] = field(default_factory=list)
    part: tuple[int, int] | None = None

    def to_builtins(self) -> dict[str, Any]:
        """Return the task as a dictionary, to travel."""
        return asdict(self)

    @classmethod
    def from_builtins(cls, given: Mapping[str, Any]) -> Self:
        """Return the task that `to_builtins` gave, at the door of the process that runs it."""
        members = [Member(**member) for member in given["group"]]
        return cls(**{**given, "group": members})
