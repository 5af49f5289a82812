"""What of this machine a computation uses: its CPUs, its device, its number format."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Compute:
    """The device and numerics of a computation, decided.

    Args:
        accelerator: Lightning's name of the device (`cpu`, `cuda`, `mps`).
        precision: Lightning's name of the number format.
        channels_last: Whether images are laid out channels last.
        threads: CPU threads.
    """

    accelerator: str
    precision: str
    channels_last: bool
    threads: int

    @property
    def device(self) -> str:
        """The device in words."""
        import torch

        layout = " (channels last)" if self.channels_last else ""
        name = torch.cuda.get_device_name() if self.accelerator == "cuda" else self.accelerator
        return name + layout


def available_devices() -> tuple[str, ...]:
    """Return the devices of this machine, the fastest first."""
    import torch

    cuda = ("cuda",) if torch.cuda.is_available() else ()
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return (*cuda, *mps, "cpu")


def usable_cpus() -> int:
    """Return how many CPUs this process may use, which can be fewer than the machine has.

    `OMP_NUM_THREADS` counts, as it does for torch: launchers share the CPUs among jobs by it.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
