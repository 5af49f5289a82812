"""What every `data=` option is: something that can check itself and load a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from tlx.backbones.input_kind import InputKind
from tlx.data.images.stored.stored_form import StoredForm
from tlx.data.task import Task
from tlx.errors import Fault


@dataclass(frozen=True)
class Given:
    """What a source of data gives, known before anything is loaded.

    Args:
        inputs: What an example is.
        predicts: What is to be predicted of it.
        splits: Names of the task's splits.
    """

    inputs: InputKind = "images"
    predicts: Literal["classes", "number"] = "classes"
    splits: tuple[str, ...] = ("train", "val", "test")


class TaskSource(Protocol):
    """A task before it is loaded; cheap to make."""

    @property
    def gives(self) -> Given:
        """What the task will hold."""

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
