"""How a process's allocator treats the memory of tensors that are no longer needed."""

from __future__ import annotations

import ctypes
from functools import cache

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 2**30
_MOST_BYTES = 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Let the process keep freed memory for its next tensors, where glibc allocates.

    By itself glibc maps each block above 32 MB anew and gives it back when it is freed. A forward
    pass on the CPU then has the kernel clear fresh pages for every layer of every batch, which can
    take as long as the arithmetic. Tensors of up to 2^30 bytes are kept instead; no number changes.

    Returns:
        Whether it was done; False with other allocators, where nothing changes.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 - only glibc has it
        mallopt = libc.mallopt
    except (AttributeError, OSError, TypeError):
        return False
    kept = mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
    return bool(kept and mallopt(_TRIM_THRESHOLD, _MOST_BYTES))
