"""The launchers that are compared, and how each is asked for so many jobs at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True)
class Contestant:
    """A launcher.

    Args:
        package: The package to install for it; None where there is nothing to install.
        overrides: What to ask of Hydra, by the number of slots and the modules that jobs import.
        is_slow: Whether each job is a process of its own, so that fewer jobs tell as much.
    """

    package: str | None
    overrides: Callable[[int, Sequence[str]], list[str]]
    is_slow: bool = False

    def is_installed(self) -> bool:
        """Return whether its package is there."""
        try:
            return self.package is None or bool(version(self.package))
        except PackageNotFoundError:
            return False


def _basic(slots: int, modules: Sequence[str]) -> list[str]:  # noqa: ARG001 - one job at a time
    return ["hydra/launcher=basic"]


def _joblib(slots: int, modules: Sequence[str]) -> list[str]:  # noqa: ARG001
    return ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={slots}"]


def _submitit(slots: int, modules: Sequence[str]) -> list[str]:  # noqa: ARG001
    # Without Slurm, submitit starts all jobs at once; batches of the sweeper keep it to the slots.
    return ["hydra/launcher=submitit_local", f"hydra.sweeper.max_batch_size={slots}"]


def _spark(slots: int, modules: Sequence[str]) -> list[str]:
    preload = f"hydra.launcher.preload=[{','.join(modules)}]"
    return ["hydra/launcher=spark", f"hydra.launcher.master='local[{slots}]'", preload]


TLX = "tlx spark"
CONTESTANTS = {
    "hydra basic": Contestant(None, _basic),
    "hydra joblib": Contestant("hydra-joblib-launcher", _joblib),
    "hydra submitit": Contestant("hydra-submitit-launcher", _submitit, is_slow=True),
    TLX: Contestant(None, _spark),
}
