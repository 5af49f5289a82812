"""Whether model A comes with an output layer of its own that can be used beside a new head."""

from __future__ import annotations

from tlx.backbones.head_features import why_not_linear
from tlx.backbones.weights.card import NEAREST_HEAD
from tlx.backbones.weights.sources import resolve
from tlx.backbones.weights.weights import card_of, head_in


def why_no_source_head(
    name: str, weights: str | None, weights_key: str | None = None
) -> str | None:
    """Return why model A's own output layer cannot be used; None where it can.

    Args:
        name: A builder name.
        weights: See `resolve`; None has no model A.
        weights_key: Which of the file's networks is model A.

    Raises:
        WeightsError: If there are no such weights.
    """
    if weights is None:
        return f"{name} without weights has no predictions of its own"
    reason = why_not_linear(name, with_intercept=False)
    if reason is not None:
        return reason
    source = resolve(name, weights)
    card = card_of(source)
    if card is not None and card.head == NEAREST_HEAD:
        return f"{weights} asks its nearest neighbours and has no output layer"
    classes = head_in(name, source, weights_key)
    if classes is None:
        return f"{weights} has no output layer that fits {name}"
    if classes < 2 or (card is not None and card.num_classes < 2):
        return f"{weights} has a single output, which tells no classes apart"
    return None
