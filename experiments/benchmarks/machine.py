"""What a timing ran on, in words for a table."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")


def machine_words(cpu_info: Path = CPU_INFO) -> str:
    """Return the CPU's name, the cores this process may use, and the versions that matter."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "pytorch-lightning"))
    return f"{cpu_name(cpu_info)}, {cores} cores; Python {platform.python_version()}, {packages}"


def cpu_name(cpu_info: Path = CPU_INFO) -> str:
    """Return the CPU's name as Linux tells it, or its architecture where there is none."""
    try:
        lines = cpu_info.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
