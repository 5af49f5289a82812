"""Which accelerators a job may use."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tlx.spark.errors import SparkStartError


def visible_devices(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the accelerators of this machine that this program may use.

    Args:
        environment: Where `CUDA_VISIBLE_DEVICES` is read; without it, `nvidia-smi` is asked.
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in (part.strip() for part in named.split(",")) if name]
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.split()


class Devices:
    """Lends accelerators to jobs, none to two at a time.

    Args:
        names: As `CUDA_VISIBLE_DEVICES` takes them.
        per_job: How many each job gets; 0 leaves a job's environment as it is.

    Raises:
        SparkStartError: Where there are fewer than one job needs.
    """

    def __init__(self, names: list[str], per_job: int) -> None:
        if per_job > len(names):
            raise SparkStartError(
                f"hydra.launcher.gpus_per_job={per_job}: this machine has {len(names)} that this "
                "program may use (CUDA_VISIBLE_DEVICES, nvidia-smi). Ask for fewer."
            )
        self.per_job = per_job
        self._free = list(names)
        self._changed = threading.Condition()

    @property
    def jobs(self) -> int | None:
        """How many jobs can run at a time, or None where accelerators are no limit."""
        return len(self._free) // self.per_job if self.per_job else None

    @contextmanager
    def lent(self) -> Iterator[dict[str, str]]:
        """Give a job's share of the environment, and take it back at the end."""
        if self.per_job == 0:
            yield {}
            return
        with self._changed:
            self._changed.wait_for(lambda: len(self._free) >= self.per_job)
            mine = [self._free.pop(0) for _ in range(self.per_job)]
        try:
            yield {"CUDA_VISIBLE_DEVICES": ",".join(mine)}
        finally:
            with self._changed:
                self._free = sorted(self._free + mine)
                self._changed.notify_all()
