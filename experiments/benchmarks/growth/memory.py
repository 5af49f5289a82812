"""The memory of a process and all its descendants, read from Linux's /proc.

Pages that processes share, as forked ones do, count once: the sum is of proportional set sizes.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

PROC = Path("/proc")


def tree_mb(pid: int) -> float:
    """Return the memory of a process and its descendants, in 10^6 bytes."""
    return sum(_proportional_mb(one) for one in (pid, *descendants(pid)))


def descendants(pid: int) -> list[int]:
    """Return the process ids of all descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            _, _, after = (folder / "stat").read_text().rpartition(")")
            children.setdefault(int(after.split()[1]), []).append(int(folder.name))
    found = list(children.get(pid, []))
    for one in found:  # grows while it is walked
        found += children.get(one, [])
    return found


def _proportional_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0
