"""Image files of a data set, stored as one network's own pipeline asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tlx.data.images.stored.stored_form import StoredForm
    from tlx.data.source import Given, TaskSource
    from tlx.data.task import Task
    from tlx.errors import Fault


class StoredImages(Protocol):
    """A data set of image files, whose images can be stored in several forms."""

    @property
    def gives(self) -> Given:
        """What the task will hold."""

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options, before any work."""

    def for_network(self, wanted: StoredForm | None) -> TaskSource:
        """Return the same data, stored as a network's own pipeline asks."""

    def load(self, form: StoredForm | None = None) -> Task:
        """Return the task, its images stored in a form."""


@dataclass(frozen=True)
class ImagesForNetwork:
    """A data set of image files, for a network that is known.

    Args:
        data: The data set.
        form: How its images are stored.
    """

    data: StoredImages
    form: StoredForm

    @property
    def gives(self) -> Given:
        """What the task will hold."""
        return self.data.gives

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options, before any work."""
        return self.data.faults()

    def for_network(self, wanted: StoredForm | None) -> TaskSource:
        """Return the same data for another network."""
        return self.data.for_network(wanted)

    def load(self) -> Task:
        """Return the task, see `ImageOptions.load`."""
        return self.data.load(self.form)
