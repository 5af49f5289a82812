"""What a worker imports before it forks its jobs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from tlx.spark.launcher.job.function_reference import reference

VARIABLE = "PRELOAD"


def preloaded(asked: Sequence[str] | None, function: Callable[..., Any]) -> list[str]:
    """Return the modules that a worker imports before it forks.

    Args:
        asked: `hydra.launcher.preload`.
        function: Hydra's task function; its module may say in `PRELOAD` what its jobs import.
    """
    found = reference(function)
    if asked is not None:
        return list(asked)
    module = sys.modules.get(getattr(function, "__module__", ""))
    if found is None or not hasattr(module, VARIABLE):
        return []
    return [*getattr(module, VARIABLE), found.module]
