"""Whether and where a run keeps the activations of its frozen prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from tlx.texts.file_paths import WorkingFolder

if TYPE_CHECKING:
    from tlx.augmentation.augmentation import Augmentation

Mode = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class ActivationSettings:
    """How a run uses the activation store.

    Args:
        mode: `auto` uses the store where the leading stages are frozen in every epoch, `on`
            insists that they are, `off` computes the frozen prefix again for every batch.
        max_gb: Most that the store's folder may hold, in 10^9 bytes; what was used longest ago
            makes room.
        half_precision: Keep 32-bit activations in 16 bits: half the space, other numbers.
        folder: The store, shared by all runs that name the same folder.
        per_example: Keep activations example by example, so that splits which share examples, as
            the folds of a cross-validation do, share their activations; else split by split.
    """

    mode: Mode = "auto"
    max_gb: Annotated[float, Field(gt=0)] = 20.0
    half_precision: bool = False
    folder: Annotated[WorkingFolder, Field(min_length=1)] = "outputs/activations"
    per_example: bool = False


def why_images_change(augmentation: Augmentation) -> str | None:
    """Return why no activations of the training images keep, or None where they do."""
    if not augmentation.draws_in_steps:
        return None
    return f"augmentation={augmentation.name} changes the training images in every epoch"
