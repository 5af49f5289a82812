"""Jobs that another launcher ran: told from Hydra's `.hydra/` folder and tlx's `result.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from tlx.runs.stored import read_json, read_yaml
from tlx.sweeps.record import JobRecord, Status, number_of, version_text, written_hash
from tlx.sweeps.tlx_run import TlxRun
from tlx.texts.redaction import redact_argument

OVERRIDES_FILE = Path(".hydra/overrides.yaml")


def job_of_other_launcher(folder: Path, run: TlxRun | None) -> JobRecord | None:
    """Return the record of a job that wrote no `job.json`.

    Args:
        folder: The job's folder.
        run: The tlx run found there.

    Returns:
        None where neither a run nor Hydra's `.hydra/` is there. A job that left no result is
        `lost`: that it ran is all that is known.
    """
    if run is None and not (folder / OVERRIDES_FILE).is_file():
        return None
    record = JobRecord(
        number=_number(folder),
        overrides=_overrides(folder),
        config_hash=_config_hash(folder),
        code_version=_code_version(folder),
    )
    if run is None:
        record.status, record.reason = "lost", "it left neither job.json nor a tlx result.json"
        return record
    record.status = cast("Status", run.status)
    record.attempt, record.error = run.resumed, run.error
    record.metrics = dict(run.metrics)
    record.seconds, record.peak_memory_mb = run.seconds, run.peak_memory_mb
    record.return_value = run.return_value if run.status == "completed" else None
    record.started_at, record.finished_at = run.started_at, run.finished_at
    return record


def _overrides(folder: Path) -> list[str]:
    asked = _yaml(folder / OVERRIDES_FILE)
    return [redact_argument(str(one)) for one in asked] if isinstance(asked, list) else []


def _number(folder: Path) -> int:
    """Return the job's number: the folder's name, or what Hydra has noted (slow to read)."""
    if number_of(folder) >= 0:
        return number_of(folder)
    noted = _yaml(folder / ".hydra/hydra.yaml")
    try:
        return int(noted["hydra"]["job"]["num"])
    except (KeyError, TypeError, ValueError):
        return -1


def _config_hash(folder: Path) -> str:
    cfg = _yaml(folder / ".hydra/config.yaml")
    return written_hash(cfg) if isinstance(cfg, dict) else ""


def _code_version(folder: Path) -> str | None:
    try:
        origin = read_json(folder / "provenance.json")
        return version_text(origin["packages"]["tlx"], origin["git"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _yaml(path: Path) -> Any:
    """Return a YAML file's content as it is written, references unfilled, or None."""
    try:
        return read_yaml(path)
    except (OSError, ValueError):
        return None
