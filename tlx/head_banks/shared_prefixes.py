"""Whose activations a sweep computes before its jobs: plain logic, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

NO_AUGMENTATION: Final = "tlx.augmentation.choices.none"
WITHOUT_PREFIX: Final = frozenset({"tlx.strategies.fine_tuning.structure_reuse.StructureReuse"})
ARITHMETIC: Final = ("device", "precision", "channels_last")
"""Options of the trainer that change activations."""


def prefix_jobs(
    configs: Sequence[Mapping[str, Any]], units: Sequence[Sequence[int]], slots: int
) -> list[int]:
    """Return one job for each distinct prefix that is worth computing first.

    It is where several units of work would wait for one of them to compute it, or where there are
    fewer units than slots, which can share the computation.

    Args:
        configs: Each job's resolved configuration, as `tlx.config.builders.plain` returns it.
        units: Positions of the jobs that run in one process.
        slots: Processes at a time.
    """
    first: dict[str, int] = {}
    users: dict[str, int] = {}
    for unit in units:
        for key, job in {prefix_of(configs[job]): job for job in unit}.items():
            if key is not None:
                first.setdefault(key, job)
                users[key] = users.get(key, 0) + 1
    return [job for key, job in first.items() if users[key] > 1 or len(units) < slots]


def prefix_of(config: Mapping[str, Any]) -> str | None:
    """Return what a job's activations depend on, as text; None where it has none to share."""
    if config["strategy"].get("_target_") in WITHOUT_PREFIX:
        return None
    if config["activations"].get("mode") == "off":
        return None
    if config.get("augmentation", {}).get("_target_") not in (None, NO_AUGMENTATION):
        return None
    seed = config["seed"] if config["backbone"].get("weights") is None else None
    arithmetic = {name: config["trainer"].get(name) for name in ARITHMETIC}
    groups = [config[group] for group in ("backbone", "data", "strategy", "activations")]
    return json.dumps([seed, arithmetic, *groups], sort_keys=True, default=repr)
