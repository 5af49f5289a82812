"""What a worker imports before it forks its jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tlx.spark.function_reference import reference

TLX_MODULES = (
    "torch._dynamo",  # an optimizer would import it, for more than a second
    "sklearn.datasets",
    "sklearn.metrics",
    "tlx.config.builders",
    "tlx.training.fit",
    "tlx.training.outcome",
    "tlx.activations.serve",
    "tlx.banks.hooks",
    "tlx.banks.run",
)
"""Where tlx's own commands spend the time of their imports."""


def preloaded(asked: Sequence[str] | None, function: Callable[..., Any]) -> list[str]:
    """Return the modules that a worker imports before it forks.

    Args:
        asked: `hydra.launcher.preload`.
        function: Hydra's task function; for tlx's own commands it is known what they need.
    """
    found = reference(function)
    if asked is not None:
        return list(asked)
    if found is None or not found.module.startswith("tlx."):
        return []
    return [*TLX_MODULES, found.module]
