"""A job in the worker itself, for debugging: what it breaks stays broken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tlx.spark.isolation.child import prepare, run
from tlx.spark.isolation.files import forget_start, note_start
from tlx.spark.isolation.task import JobTask
from tlx.spark.launcher.job.job_end import outcome_of_exception


def run_here(task: JobTask) -> dict[str, Any]:
    """Run a job in this process and return its end as an envelope's fields.

    It has the worker's descriptors, signals and variables, and an `os._exit` of it ends the
    worker. A limit is enforced by the driver, which has the worker killed.

    Args:
        task: What to run.
    """
    environment, folder = dict(os.environ), os.getcwd()  # noqa: PTH109
    note_start(Path(task.folder))
    try:
        prepare(task)
        message = run(task)
    except BaseException as error:
        message = outcome_of_exception(error)
    finally:
        forget_start(Path(task.folder))
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
    return message
