"""Spark's Python daemon, which imports what jobs need before it forks the workers.

Spark forks one worker per slot from this process, and forks new ones for those it has reaped as
idle: all of them find the modules imported, and share their memory.
"""

from __future__ import annotations

import contextlib
import os
import sys

from tlx.spark.launcher.job.worker import preload

ALWAYS = (
    "tlx.spark.launcher.job.hydra_job",
    "tlx.spark.isolation.fork",
    "tlx.spark.launcher.job.job_end",
)
"""What runs a job in a worker, Hydra with it."""

PRELOAD_VARIABLE = "TLX_PRELOAD"
"""Environment variable with the modules to import, joined by commas."""


def import_quietly(names: str) -> None:
    """Import modules; what they print goes to stderr, since Spark reads this process's stdout.

    Args:
        names: Dotted names joined by commas.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        preload([*ALWAYS, *filter(None, names.split(","))])
        _find_plugins()
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _find_plugins() -> None:
    """Let Hydra look for its plugins here, and not once a job."""
    with contextlib.suppress(Exception):
        from hydra.core.plugins import Plugins

        Plugins.instance()


if __name__ == "__main__":
    from pyspark.daemon import manager

    from tlx.spark.isolation.orphans import end_children, take_in_as_daemon

    import_quietly(os.environ.get(PRELOAD_VARIABLE, ""))
    take_in_as_daemon()
    daemon = os.getpid()
    try:
        manager()
    finally:
        if os.getpid() == daemon:  # a worker leaves by this way too, where it cannot be forked
            end_children(known=set())
