"""What a command may offer a sweep beside its job: shared loading, preparation, joint training.

A command's module names the module that offers it in `SWEEP_HOOKS`. It is called on the driver for
plans, which must be cheap, and in the jobs' processes for work.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from omegaconf import DictConfig

VARIABLE = "SWEEP_HOOKS"


@dataclass(frozen=True)
class Groups:
    """Which jobs of a sweep run together.

    Args:
        members: Positions of the jobs of each group, two or more; the others run alone.
        shared: Positions of one job for each piece of work that several jobs, or several slots,
            can share: it is done first.
        words: One line for the user.
    """

    members: Sequence[Sequence[int]]
    shared: Sequence[int]
    words: str


class SweepHooks(Protocol):
    """A module with these functions."""

    def share(self, config: DictConfig) -> None:
        """Load, in a worker that is about to fork, what jobs of this kind read."""

    def groups(self, configs: Sequence[DictConfig], slots: int, bank: bool) -> Groups:
        """Plan on the driver; `bank` allows jobs to run together."""

    def prepare(self, config: DictConfig, part: int, parts: int) -> None:
        """Do one part of the work that a job shares with others."""

    def run_together(
        self, configs: Sequence[DictConfig], folders: Sequence[Path], commands: Sequence[str]
    ) -> list[Any]:
        """Run jobs together; return for each its value, or the exception that ended it."""


def hooks_of(function: Callable[..., Any]) -> str | None:
    """Return the name of the module with a command's hooks, or None where it has none.

    Args:
        function: Hydra's task function, as the driver has it.
    """
    module = sys.modules.get(getattr(function, "__module__", ""))
    name = getattr(module, VARIABLE, None)
    return name if isinstance(name, str) else None


def load_hooks(name: str) -> SweepHooks:
    """Return the module of this name."""
    return cast(SweepHooks, importlib.import_module(name))
