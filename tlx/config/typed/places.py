"""Options that name files and folders: where they lie, whatever folder a job works in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from tlx.config.choices.options import annotations_of, target_of
from tlx.texts.file_paths import PathOption, path_option


def path_options(node: Any) -> dict[str, PathOption]:
    """Return the options of a group's node that are paths by the types of what it configures.

    Args:
        node: Plain mapping with `_target_` and the options; anything else has none.
    """
    if not isinstance(node, Mapping):
        return {}
    try:
        annotations = annotations_of(target_of(node))
    except ImportError:
        return {}  # told as a fault where options are checked
    found = {name: path_option(annotation) for name, annotation in annotations.items()}
    return {name: option for name, option in found.items() if option is not None}


def with_places(nodes: dict[str, Any]) -> dict[str, Any]:
    """Return plain options whose paths lead where the user meant.

    A leading `~` is the home folder. Relative paths start from where the command was started, also
    in a job that Hydra puts into its own folder (`hydra.job.chdir=true`).

    Args:
        nodes: The options of each group.
    """
    return {group: _placed(node) for group, node in nodes.items()}


def _placed(node: Any) -> Any:
    found = {
        name: _place(node[name], option)
        for name, option in path_options(node).items()
        if name in node
    }
    return {**node, **found} if found else node


def _place(value: Any, option: PathOption) -> Any:
    if isinstance(value, list | tuple):
        return [_place(one, option) for one in value]
    if not isinstance(value, str) or value in ("", "???"):
        return value
    start = started_in()
    there = Path(os.path.expanduser(value))  # noqa: PTH111 - leaves an unknown user's as it is
    moved = start != Path.cwd()
    there = start / there if moved else there
    is_meant = moved and option.is_path(value, there)
    return str(there) if value.startswith("~") or is_meant else value


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
