"""Where a fit computes, and in which number format."""

from __future__ import annotations

import torch

from tlx.errors import Fault
from tlx.machine import Compute, available_devices, usable_cpus
from tlx.plan.trainer_settings import TrainerSettings


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
