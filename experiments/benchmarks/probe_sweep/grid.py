"""The configurations of the sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

VALUES: Mapping[str, Sequence[float]] = {
    "learning_rate": (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
    "weight_decay": (0.0, 0.01, 0.05, 0.1),
    "label_smoothing": (0.0, 0.1),
}
TLX_NAMES = {
    "learning_rate": "optimizer.lr",
    "weight_decay": "optimizer.weight_decay",
    "label_smoothing": "loss.label_smoothing",
}
JOBS = prod(len(values) for values in VALUES.values())


def grid(jobs: int = JOBS) -> dict[str, list[float]]:
    """Return the values of each option, whose product is the sweep.

    Args:
        jobs: How many configurations; with fewer than all of them the last options lose values.

    Raises:
        ValueError: Where the grid cannot be halved to that number.
    """
    values = {name: list(found) for name, found in VALUES.items()}
    for found in reversed(values.values()):
        while prod(map(len, values.values())) > jobs and len(found) > 1:
            del found[len(found) // 2 :]
    if prod(map(len, values.values())) != jobs:
        raise ValueError(f"{jobs} is none of {JOBS}, {JOBS // 2}, {JOBS // 4}, ... jobs")
    return values


def sweep_overrides(values: Mapping[str, Sequence[float]], names: Mapping[str, str]) -> list[str]:
    """Return the values as Hydra's overrides of a sweep.

    Args:
        values: By option.
        names: What each option is called.
    """
    return [f"{names[name]}={','.join(map(str, found))}" for name, found in values.items()]
