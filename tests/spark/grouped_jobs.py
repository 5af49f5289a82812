"""A command with hooks for sweeps: jobs with `together` in common run in one process."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tlx.spark.launcher.sweep_hooks import Groups

SWEEP_HOOKS = "tests.spark.grouped_jobs"


def alone(cfg: DictConfig) -> list[Any]:
    """The job as it runs by itself."""
    return ["alone", cfg.x, os.getpid()]


def share(config: DictConfig) -> None:
    """Nothing to load."""


def groups(configs: Sequence[DictConfig], slots: int, bank: bool) -> Groups:
    even = [i for i, config in enumerate(configs) if config.x % 2 == 0]
    if configs[0].kind == "no_plan":
        raise ValueError("these cannot be planned")
    members = [even] if bank and len(even) > 1 else []
    return Groups(members, [0], f"{len(even)} together on {slots} slots")


def prepare(config: DictConfig, part: int, parts: int) -> None:
    if config.kind == "unprepared":
        raise ValueError("no such thing")
    Path(config.notes, f"part-{part}-of-{parts}").touch()


def run_together(
    configs: Sequence[DictConfig], folders: Sequence[Path], commands: Sequence[str]
) -> list[Any]:
    if configs[0].kind == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return [
        ValueError("six is refused")
        if config.x == 6
        else ["together", config.x, folder.name, asked]
        for config, folder, asked in zip(configs, folders, commands, strict=True)
    ]
