"""What a job's own process tells of it, as one message of plain builtins."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus

from tlx.spark.launcher.job.hydra_job import JobExitedError
from tlx.spark.pickling import named, pickled_exception, survives
from tlx.texts.bounded import TRACEBACK_CHARACTERS, record_text

_OWN_FRAMES = (str(Path(__file__).parents[2]), str(Path("hydra", "core", "utils.py")))


def outcome_of(job: JobReturn, max_return_bytes: int) -> dict[str, Any]:
    """Return how a job ended, as it is sent to whoever supervises it.

    Args:
        job: What Hydra's `run_job` returned.
        max_return_bytes: Largest pickle of a return value.
    """
    about = {"working_dir": job.working_dir, "told_callbacks": True}
    value = job._return_value
    if job.status == JobStatus.COMPLETED:
        return about | _of_return_value(value, max_return_bytes)
    if isinstance(value, JobExitedError):
        text = f"{value}: the job left before it returned"
        return about | {"status": "failed", "exit_code": value.code, "error": text}
    return about | outcome_of_exception(value)


def outcome_of_exception(error: BaseException) -> dict[str, Any]:
    """Return the end of a job that raised."""
    return {
        "status": "failed",
        "error": named(error),
        "traceback": traceback_text(error),
        "exception": pickled_exception(error),
    }


def traceback_text(error: BaseException) -> str:
    """Return an exception's traceback from the job's function on, without secrets, bounded."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_own(frames):
        frames = frames.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
    except Exception:
        text = "".join(traceback.format_tb(frames)) + named(error)
    return record_text(text, TRACEBACK_CHARACTERS)


def _of_return_value(value: Any, max_return_bytes: int) -> dict[str, Any]:
    content = survives(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    remedy = "Return numbers, texts, lists or dictionaries; write the rest to files."
    if content is None:
        error = f"the job completed, but its return value ({kind}) cannot be pickled. {remedy}"
        return {"status": "failed", "error": error}
    if len(content) > max_return_bytes:
        size = f"{len(content) / 1e6:.1f} MB, hydra.launcher.max_return_mb allows"
        error = f"the job completed, but its return value ({kind}) is too large: {size} "
        return {"status": "failed", "error": f"{error}{max_return_bytes / 1e6:g}. {remedy}"}
    return {"status": "completed", "result": content, "is_none": value is None}


def _is_own(frames: Any) -> bool:
    file = frames.tb_frame.f_code.co_filename
    return any(own in file for own in _OWN_FRAMES)
