from __future__ import annotations

import os

import pytest
import torch

from tlx.machine import available_devices, usable_cpus


def test_available_devices_end_with_the_cpu() -> None:
    assert available_devices()[-1] == "cpu"
    assert ("cuda" in available_devices()) == torch.cuda.is_available()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone binds to CPUs")
def test_usable_cpus_with_omp_num_threads_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert usable_cpus() == 3


def test_usable_cpus_are_those_the_process_is_bound_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cpus() == len(before)
