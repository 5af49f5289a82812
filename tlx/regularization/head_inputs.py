"""What reaches a head while its network runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn


@contextmanager
def head_inputs(head: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what a head takes while the block runs, one tensor per call, gradients and all.

    Args:
        head: The last layer, wherever it is called from.
    """
    seen: list[Tensor] = []

    def keep(_head: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen.append(given[0])

    handle = head.register_forward_pre_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def as_vectors(features: Tensor) -> Tensor:
    """Return features as one vector per example, in single precision.

    Args:
        features: Shape (n, d), or (n, d, ...), of which the mean over positions is taken.

    Returns:
        Shape (n, d).
    """
    return (features.flatten(2).mean(2) if features.ndim > 2 else features).float()
