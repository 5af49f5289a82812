"""What every `data=` option is: something that can check itself and load a task."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tlx.data.images.stored.stored_form import StoredForm
from tlx.data.task import Task
from tlx.errors import Fault


class TaskSource(Protocol):
    """A task before it is loaded; cheap to make."""

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options, before any work."""

    def load(self) -> Task:
        """Return the task's images and labels."""


@runtime_checkable
class StoredForNetwork(TaskSource, Protocol):
    """A task whose images have any size, and are stored as a network asks."""

    def for_network(self, wanted: StoredForm | None) -> TaskSource:
        """Return the same data, stored for one network.

        Args:
            wanted: How that network's own pipeline brings images of any size to one; None where it
                cannot be told.
        """
