"""What every `data=` option is: something that can check itself and load a task."""

from __future__ import annotations

from typing import Protocol

from tlx.data.task import ImageTask
from tlx.errors import Fault


class TaskSource(Protocol):
    """A task before it is loaded; cheap to make."""

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options, before any work."""

    def load(self) -> ImageTask:
        """Return the task's images and labels."""
