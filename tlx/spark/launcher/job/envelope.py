"""What comes back from a job, however it ended."""

from __future__ import annotations

import signal as signals
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Status = Literal["completed", "failed", "killed", "timed_out", "lost", "cancelled", "skipped"]

SHARED_BY_MEMBERS = ("host", "attempt", "peak_memory_mb", "started_at", "finished_at")


@dataclass
class Envelope:
    """The end of a job, in plain builtins only: it can always be pickled and always be read.

    Args:
        status: How the job ended.
        exit_code: The exit status of its process, where it ended by itself.
        signal: The signal that ended its process.
        reason: Why it ended, in words, where no exception tells.
        seconds: Wall time in seconds.
        host: The machine it ran on.
        attempt: Spark's attempt, counted from 0.
        error: `module.Type: message` of its exception.
        traceback: The traceback of its exception.
        log_tail: The last lines it wrote.
        metrics: Scores by flat names.
        result: The pickle of its return value.
        exception: The pickle of its exception, where it survives pickling both ways.
        peak_memory_mb: Most memory its process held, in 10^6 bytes.
        working_dir: The folder it ran in.
        told_callbacks: Whether `on_job_end` was called in its process.
        started_at: ISO 8601, UTC.
        finished_at: ISO 8601, UTC.
        members: Of jobs that ran together, each one's own end, in order.
    """

    status: Status
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    seconds: float = 0.0
    host: str = ""
    attempt: int = 0
    error: str | None = None
    traceback: str | None = None
    log_tail: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    result: bytes | None = None
    exception: bytes | None = None
    peak_memory_mb: float | None = None
    working_dir: str | None = None
    told_callbacks: bool = False
    started_at: str = ""
    finished_at: str = ""
    members: list[dict[str, Any]] = field(default_factory=list)

    def to_builtins(self) -> dict[str, Any]:
        """Return the envelope as a dictionary."""
        return asdict(self)

    @classmethod
    def from_builtins(cls, content: dict[str, Any]) -> Envelope:
        """Return the envelope that a dictionary holds."""
        known = {one.name for one in fields(cls)}
        return cls(**{key: value for key, value in content.items() if key in known})


def members_of(group: Envelope) -> list[Envelope]:
    """Return the ends of jobs that ran together, each with its share of the time."""
    shared = {name: getattr(group, name) for name in SHARED_BY_MEMBERS}
    share = {"seconds": round(group.seconds / max(1, len(group.members)), 3)}
    return [Envelope.from_builtins(shared | member | share) for member in group.members]


def reason_of_signal(number: int) -> str:
    """Return the words for a process that a signal ended."""
    name = signals.Signals(number).name if number in set(signals.Signals) else "unknown"
    if number == signals.SIGKILL:
        return f"signal {number}, likely out of memory"
    return f"signal {number} ({name})"
