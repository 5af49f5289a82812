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
    from tlx.inference.export.model_inputs import Taken

BATCHES = (1, 5)
"""Neither is the size of the batch that the graph was traced with."""


@dataclass(frozen=True)
class Agreement:
    """How close two models' logits are on the same examples.

    Args:
        examples: How many random ones there were.
        difference: Largest absolute difference of two logits.
        largest: Largest absolute logit of the model.
        called: What the examples are.
    """

    examples: int
    difference: float
    largest: float
    called: str = "images"

    def __str__(self) -> str:
        """Return the agreement in words."""
        return (
            f"largest difference {self.difference:.2e} on {self.examples} random {self.called} "
            f"(largest logit {self.largest:.2e})"
        )


@torch.inference_mode()
def compare(backbone: Backbone, exported: Callable[[Tensor], Tensor], taken: Taken) -> Agreement:
    """Return how close an export's logits are to the model's own, by its own input pipeline.

    Args:
        backbone: The model, on the CPU and in `eval()`.
        exported: Takes examples; returns logits (n, classes).
        taken: What the examples are.
    """
    generator = torch.Generator().manual_seed(0)
    difference = largest = 0.0
    for count in BATCHES:
        examples = taken.random(count, generator)
        logits = backbone(backbone.preprocess(examples))
        other = exported(examples)
        # What is not finite compares as false everywhere, and is refused below.
        difference = max(difference, float((other - logits).abs().max().nan_to_num(float("inf"))))
        largest = max(largest, float(logits.abs().max()))
    return Agreement(sum(BATCHES), difference, largest, taken.called)


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
