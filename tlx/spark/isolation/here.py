"""A job in the worker itself, for debugging: what it breaks stays broken."""

from __future__ import annotations

import os
from typing import Any

from tlx.spark.isolation.child import prepare, run
from tlx.spark.outcome import outcome_of_exception


def run_here(task: dict[str, Any]) -> dict[str, Any]:
    """Run a job in this process and return its end as an envelope's fields.

    Its limits are not enforced, and an `os._exit` of it ends the worker.

    Args:
        task: A `Task` as a dictionary.
    """
    environment, folder = dict(os.environ), os.getcwd()  # noqa: PTH109
    try:
        prepare(task)
        outcome = run(task)
    except BaseException as error:
        outcome = outcome_of_exception(error)
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
    return outcome
