"""Where a fit computes, and in which number format."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from tlx.errors import Fault
from tlx.training.settings import TrainerSettings


@dataclass(frozen=True)
class Compute:
    """The device and numerics of a fit, decided.

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
        layout = " (channels last)" if self.channels_last else ""
        name = torch.cuda.get_device_name() if self.accelerator == "cuda" else self.accelerator
        return name + layout


def available_devices() -> tuple[str, ...]:
    """Return the devices of this machine, the fastest first."""
    cuda = ("cuda",) if torch.cuda.is_available() else ()
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return (*cuda, *mps, "cpu")


def device_faults(settings: TrainerSettings) -> list[Fault]:
    """Return what is wrong with the device and the number format asked for."""
    devices = available_devices()
    if settings.device not in ("auto", *devices):
        remedy = f"Choose from: auto, {', '.join(devices)}."
        return [Fault("trainer.device", settings.device, "this machine has no such device", remedy)]
    on_cpu = choose_compute(settings).accelerator == "cpu"
    if on_cpu and settings.precision == "16-mixed":  # Lightning would quietly take another
        reason = "the CPU has no mixed precision in this format"
        remedy = "Choose from: auto, 32-true, bf16-mixed."
        return [Fault("trainer.precision", settings.precision, reason, remedy)]
    return []


def choose_compute(settings: TrainerSettings) -> Compute:
    """Decide what `auto` stands for on this machine.

    Mixed precision and channels-last pay on CUDA, where tensor cores want both; on CPUs and on
    Apple's devices plain 32-bit in PyTorch's own layout is kept.
    """
    device = available_devices()[0] if settings.device == "auto" else settings.device
    on_cuda = device == "cuda"
    fast = "bf16-mixed" if on_cuda and torch.cuda.is_bf16_supported() else "16-mixed"
    mixed = fast if on_cuda else "32-true"
    return Compute(
        accelerator=device,
        precision=mixed if settings.precision == "auto" else settings.precision,
        channels_last=on_cuda if settings.channels_last == "auto" else settings.channels_last,
        threads=settings.threads or usable_cpus(),
    )


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
