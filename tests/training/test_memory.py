from __future__ import annotations

import platform
import resource

import pytest
import torch

from tlx.training.memory import keep_freed_memory


def faults_of_ten_large_tensors() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(16_000_000)  # 64 MB, freed at once
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_freed_memory_serves_the_next_tensor_without_fresh_pages() -> None:
    assert keep_freed_memory()
    faults_of_ten_large_tensors()  # the heap grows to what it needs
    pages = 64_000_000 // resource.getpagesize()
    assert faults_of_ten_large_tensors() < pages / 4  # ten times as many before
