"""Whether an exported file computes what the model does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tlx.errors import TlxError

if TYPE_CHECKING:
    from tlx.backbones import Backbone

BATCHES = (1, 5)
"""Neither is the size of the batch that the graph was traced with."""


@dataclass(frozen=True)
class Agreement:
    """How close two models' logits are on the same images.

    Args:
        images: How many there were, of random pixels.
        difference: Largest absolute difference of two logits.
        largest: Largest absolute logit of the model.
    """

    images: int
    difference: float
    largest: float

    def __str__(self) -> str:
        """Return the agreement in words."""
        return (
            f"largest difference {self.difference:.2e} on {self.images} random images "
            f"(largest logit {self.largest:.2e})"
        )


@torch.inference_mode()
def compare(
    backbone: Backbone, exported: Callable[[Tensor], Tensor], size: tuple[int, int]
) -> Agreement:
    """Return how close an export's logits are to the model's own, by its own input pipeline.

    Args:
        backbone: The model, on the CPU and in `eval()`.
        exported: Takes images (n, 3, height, width), uint8; returns logits (n, classes).
        size: Height and width.
    """
    generator = torch.Generator().manual_seed(0)
    difference = largest = 0.0
    for count in BATCHES:
        images = torch.randint(0, 256, (count, 3, *size), dtype=torch.uint8, generator=generator)
        logits = backbone(backbone.preprocess(images))
        other = exported(images)
        # What is not finite compares as false everywhere, and is refused below.
        difference = max(difference, float((other - logits).abs().max().nan_to_num(float("inf"))))
        largest = max(largest, float(logits.abs().max()))
    return Agreement(sum(BATCHES), difference, largest)


def refuse_above(agreement: Agreement, tolerance: float) -> None:
    """Refuse an export that is too far from its model.

    Args:
        agreement: How close it is.
        tolerance: Largest difference allowed, as a share of the largest logit.

    Raises:
        TlxError: Where it is further.
    """
    if not agreement.difference <= tolerance * agreement.largest:
        raise TlxError(
            f"the export is refused: {agreement}, more than --tolerance {tolerance:g} of the "
            "largest logit. Nothing was written. Another format may keep closer."
        )
