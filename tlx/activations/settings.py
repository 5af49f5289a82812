"""Whether and where a run keeps the activations of its frozen prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

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
    """

    mode: Mode = "auto"
    max_gb: Annotated[float, Field(gt=0)] = 20.0
    half_precision: bool = False
    folder: Annotated[str, Field(min_length=1)] = "outputs/activations"
