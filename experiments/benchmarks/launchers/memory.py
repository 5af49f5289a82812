"""Resident memory of a process and of the JVM it started, read from Linux's /proc."""

from __future__ import annotations

import contextlib
from pathlib import Path

PROC = Path("/proc")


def resident_mb(pid: int) -> float:
    """Return the memory a process holds, in 10^6 bytes; NaN where it cannot be told."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def java_of(pid: int) -> int | None:
    """Return the JVM among a process's descendants, or None."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            before, _, after = (folder / "stat").read_text().rpartition(")")
            parents[int(folder.name)] = int(after.split()[1])
            names[int(folder.name)] = before.partition("(")[2]
    for candidate, name in names.items():
        if name == "java" and _descends(candidate, pid, parents):
            return candidate
    return None


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != ancestor:
        pid = parents[pid]
    return pid == ancestor
