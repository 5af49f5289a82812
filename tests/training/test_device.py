from __future__ import annotations

import pytest
import torch

from tlx.machine import Compute, available_devices, usable_cpus
from tlx.plan.trainer_settings import TrainerSettings
from tlx.training.device import choose_compute, device_faults

NO_ACCELERATOR = available_devices() == ("cpu",)
without_accelerator = pytest.mark.skipif(not NO_ACCELERATOR, reason="there is an accelerator")


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an NVIDIA device, as far as PyTorch's answers go."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Test")


@without_accelerator
def test_choose_compute_without_accelerator_is_plain_32_bit_on_all_usable_cpus() -> None:
    compute = choose_compute(TrainerSettings())
    assert compute == Compute("cpu", "32-true", channels_last=False, threads=usable_cpus())
    assert compute.device == "cpu"


@without_accelerator
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_device_faults_of_an_absent_device_name_those_present(device: str) -> None:
    settings = TrainerSettings(device=device)  # type: ignore[arg-type]
    assert [str(fault) for fault in device_faults(settings)] == [
        f"trainer.device={device}: this machine has no such device. Choose from: auto, cpu."
    ]


def test_device_faults_of_auto_and_cpu_are_none() -> None:
    assert device_faults(TrainerSettings()) == []
    assert device_faults(TrainerSettings(device="cpu", precision="bf16-mixed")) == []


def test_device_faults_of_half_precision_on_the_cpu_offer_what_it_has() -> None:
    settings = TrainerSettings(device="cpu", precision="16-mixed")
    assert [str(fault) for fault in device_faults(settings)] == [
        "trainer.precision=16-mixed: the CPU has no mixed precision in this format. "
        "Choose from: auto, 32-true, bf16-mixed."
    ]


@pytest.mark.usefixtures("cuda")
def test_choose_compute_on_cuda_mixes_precisions_and_turns_the_layout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compute = choose_compute(TrainerSettings(threads=3))
    assert compute == Compute("cuda", "bf16-mixed", channels_last=True, threads=3)
    assert compute.device == "NVIDIA Test (channels last)"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert choose_compute(TrainerSettings()).precision == "16-mixed"


@pytest.mark.usefixtures("cuda")
def test_choose_compute_on_the_cpu_beside_cuda_stays_plain() -> None:
    compute = choose_compute(TrainerSettings(device="cpu"))
    assert (compute.accelerator, compute.precision) == ("cpu", "32-true")
    assert compute.channels_last is False


def test_choose_compute_takes_what_is_asked_for() -> None:
    settings = TrainerSettings(device="cpu", precision="bf16-mixed", channels_last=True, threads=1)
    compute = choose_compute(settings)
    assert compute == Compute("cpu", "bf16-mixed", channels_last=True, threads=1)
    assert compute.device == "cpu (channels last)"
