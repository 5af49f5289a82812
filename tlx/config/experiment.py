"""An experiment that is more than one run, as a configuration names it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from omegaconf import DictConfig

from tlx.errors import Fault


class Experiment(Protocol):
    """Several runs of one command, told of in one table."""

    def faults(self, cfg: DictConfig) -> list[Fault]:
        """Return what is wrong with the runs, before any work.

        Args:
            cfg: The configuration that the runs are made from, sound by itself.
        """

    def run(self, cfg: DictConfig, folder: Path, command: str = "") -> float:
        """Carry out the runs, in folders of their own, and return what a sweeper maximises.

        Args:
            cfg: The configuration that the runs are made from.
            folder: The job's folder.
            command: The command line that does this again, for the record.
        """
