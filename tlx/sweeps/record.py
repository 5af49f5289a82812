"""What `job.json` tells of one job of a sweep, and the jobs that a sweep's folder holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

from tlx.runs.atomic import write_json
from tlx.sweeps.plain_values import plain_value
from tlx.sweeps.tlx_run import TlxRun
from tlx.texts.bounded import record_text
from tlx.texts.redaction import redact
from tlx.texts.shown import shown

JOB_FILE = "job.json"
MOST_JOBS = 10**9

Status = Literal[
    "queued",
    "running",
    "completed",
    "failed",
    "killed",
    "timed_out",
    "lost",
    "cancelled",
    "skipped",
]
STATUSES: frozenset[str] = frozenset(get_args(Status))
DONE: frozenset[str] = frozenset({"completed", "skipped"})
UNFINISHED: frozenset[str] = frozenset({"queued", "running"})
_OVERRULED_BY_A_COMPLETE_RUN = UNFINISHED | {"killed", "timed_out", "lost", "cancelled"}
FAILURES: frozenset[str] = frozenset({"failed", "killed", "timed_out", "lost"})

AS_WRITTEN = "as written: "
_NOT_PART_OF_THE_TASK = ("hydra", "resume", "debug")


@dataclass
class JobRecord:
    """One job of a sweep, as the driver knows it.

    Args:
        number: The job's number in the sweep's folder, which no other job there has.
        overrides: What it was asked, as Hydra's override strings.
        config_hash: `config_hash` of its resolved configuration, or `written_hash` of that which
            another launcher left; empty where it is not known.
        status: How it stands. A job of a driver that was killed stays `queued` or `running`.
        exit_code: The exit status of its process, where it ended by itself.
        signal: The number of the signal that ended it.
        reason: Why it ended, in words, where no exception tells.
        seconds: Wall time of the job.
        host: The machine it ran on.
        attempt: Which attempt this is, counted from 0.
        error: `module.Type: message` of the exception that ended it.
        traceback: The remote traceback as text.
        log_tail: The last lines it wrote.
        metrics: Scores by flat names (`test_accuracy`).
        return_value: What the job returned, as JSON.
        peak_memory_mb: Most memory it held, in 10^6 bytes.
        code_version: `code_version()` where it ran.
        started_at: ISO 8601, UTC.
        finished_at: ISO 8601, UTC.
        format: Version of this file's layout.
    """

    number: int
    overrides: list[str] = field(default_factory=list)
    config_hash: str = ""
    status: Status = "queued"
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    seconds: float | None = None
    host: str | None = None
    attempt: int = 0
    error: str | None = None
    traceback: str | None = None
    log_tail: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    return_value: Any = None
    peak_memory_mb: float | None = None
    code_version: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    format: int = 1

    @property
    def fault(self) -> str | None:
        """Why the job is not complete, in one line: its error, else its reason."""
        text = self.error or self.reason
        return " ".join(shown(record_text(text)).split()) if text else None


def write_job(folder: Path, record: JobRecord) -> None:
    """Write a job's record into its folder, atomically; values that JSON lacks become text."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / JOB_FILE, {key: plain_value(value) for key, value in asdict(record).items()}
    )


def with_fault(record: JobRecord | None, fault: str | None) -> JobRecord | None:
    """Return a job's record with what is wrong with its files, unless it tells of an error."""
    if record is None or fault is None or (record.fault and record.status != "lost"):
        return record
    return replace(record, reason=fault.rstrip("."))


def with_run(record: JobRecord, run: TlxRun) -> JobRecord:
    """Return a job's record with what its tlx run says where the record says nothing.

    A run is complete once its last file is written: a job whose process or driver was stopped
    after that, before its word arrived, is complete too.
    """
    if record.status in _OVERRULED_BY_A_COMPLETE_RUN and run.status == "completed":
        record = replace(record, status="completed", reason=None, finished_at=run.finished_at)
    own = record.return_value
    return replace(
        record,
        metrics=dict(run.metrics) | record.metrics,
        seconds=record.seconds or run.seconds or None,
        peak_memory_mb=record.peak_memory_mb or run.peak_memory_mb,
        return_value=run.return_value if own is None and record.status in DONE else own,
    )


def number_of(folder: Path) -> int:
    """Return the number that a job's folder is named by, or -1."""
    return int(folder.name) if folder.name.isascii() and folder.name.isdigit() else -1


def config_hash(cfg: Mapping[str, Any]) -> str:
    """Return a fingerprint of what a job is asked to do.

    Args:
        cfg: The resolved configuration as plain containers. Hydra's own part, `resume`, `debug`
            and secrets are left out, as they do not change a job's numbers.

    Returns:
        SHA-256, as 64 hexadecimal digits; the order of keys does not matter.
    """
    task = {key: value for key, value in cfg.items() if key not in _NOT_PART_OF_THE_TASK}
    return hashlib.sha256(json.dumps(_ordered(redact(task))).encode()).hexdigest()


def written_hash(cfg: Mapping[str, Any]) -> str:
    """Return a fingerprint of a configuration as Hydra writes it, references not filled in.

    Nothing is filled in from another launcher's files, which may come from somebody else, so a job
    found there is known by this one.
    """
    return AS_WRITTEN + config_hash(cfg)


@cache
def code_version() -> str:
    """Return tlx's version, with its commit where it runs from a checkout.

    Returns:
        Such as `0.1.0`, `0.1.0+g1a2b3c4d5e6f` or, with changes not committed,
        `0.1.0+g1a2b3c4d5e6f.dirty`.
    """
    from tlx import __version__, runs
    from tlx.runs.provenance import git_state

    return version_text(__version__, git_state(Path(runs.__path__[0])))


def version_text(version: str, git: Mapping[str, Any] | None) -> str:
    """Return a version and the state of its checkout as one text."""
    if git is None:
        return version
    return f"{version}+g{git['commit'][:12]}{'.dirty' if git['dirty'] else ''}"


def _ordered(value: Any) -> Any:
    """Return nested containers in a form whose JSON does not depend on the order of keys."""
    if isinstance(value, Mapping):
        pairs = [[type(key).__name__, str(key), _ordered(item)] for key, item in value.items()]
        return {"mapping": sorted(pairs, key=lambda pair: pair[:2])}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return cast("object", value)
    return {type(value).__name__: plain_value(value)}
