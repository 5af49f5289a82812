"""`data=in_memory`: what is done with examples that a Python program holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tlx.data.images.files.image_limits import Resize
from tlx.data.images.stored.stored_form import Depth
from tlx.data.source import Given
from tlx.data.tables.features.learning import Scaling
from tlx.errors import ConfigError, Fault
from tlx.texts.file_paths import FilePath

if TYPE_CHECKING:
    from tlx.data.task import Task


@dataclass(frozen=True, kw_only=True)
class InMemory:
    """What is done with examples that a program gives; by itself it has none.

    Args:
        val_fraction: Share of each class that chooses the epoch, and is not learned from.
        seed: Which ones follows from it.
        scaling: How each column of numbers is scaled, by what the training rows say; None is
            `standard`.
        preparation: A run whose rows were prepared as these are to be; None learns it from the
            training rows.
        size: Height and width in pixels that image files are stored in; None takes what the
            network's own pipeline begins with.
        resize: `crop` or `squash`, see `StoredForm`.
        depth: How files of more than 8 bits become 8, see `StoredForm`.
    """

    gives: ClassVar[Given] = Given(splits=())

    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0)] = 0
    scaling: Scaling | None = None
    preparation: FilePath | None = None
    size: Annotated[int, Field(ge=1)] | None = None
    resize: Resize = "crop"
    depth: Depth = 16

    def faults(self) -> list[Fault]:
        """Return why no command has such a task."""
        reason = "its examples are in the memory of a Python program (tlx.sklearn)"
        return [Fault("data", "in_memory", reason, "No command has them: choose another data=.")]

    def load(self) -> Task:
        """Raise: there are no examples.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(self.faults())
