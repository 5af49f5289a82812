"""Options that name files and folders: where they lie, whatever folder a job works in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

INPUT_PLACES: Final = (
    ("data", "root"), ("data", "table"), ("data", "cache"), ("data", "path"),
    ("data", "preparation"),
)  # fmt: skip
"""Options that are paths of what a run reads."""
PLACES: Final = (*INPUT_PLACES, ("activations", "folder"))
"""Options that are paths."""
PLACES_OR_NAMES: Final = (("backbone", "weights"), ("backbone", "transforms"))
"""Options that may be paths, and are where there is such a file."""


def with_places(nodes: dict[str, Any]) -> dict[str, Any]:
    """Return plain options whose paths lead where the user meant.

    A leading `~` is the home folder. Relative paths start from where the command was started, also
    in a job that Hydra puts into its own folder (`hydra.job.chdir=true`).

    Args:
        nodes: The options of each group.
    """
    start = started_in()
    placed = dict(nodes)
    for group, option in (*PLACES, *PLACES_OR_NAMES):
        node = placed.get(group)
        value = node.get(option) if isinstance(node, Mapping) else None
        if not isinstance(value, str) or value in ("", "???"):
            continue
        there = Path(os.path.expanduser(value))  # noqa: PTH111 - leaves an unknown user's as it is
        if start != Path.cwd():
            there = start / there
        if str(value).startswith("~") or (start != Path.cwd() and _is_meant(group, option, there)):
            placed[group] = {**placed[group], option: str(there)}
    return placed


def started_in() -> Path:
    """Return the folder that the command was started in: Hydra may have left it for the job's."""
    here = Path.cwd()
    if not HydraConfig.initialized():
        return here
    runtime = HydraConfig.get().runtime
    # What Hydra knows of an earlier job of this process says nothing of the folder one is in.
    is_jobs_own = not OmegaConf.is_missing(runtime, "output_dir") and here == Path(
        runtime.output_dir
    )
    return Path(runtime.cwd) if is_jobs_own else here


def _is_meant(group: str, option: str, there: Path) -> bool:
    return (group, option) in PLACES or there.exists()
