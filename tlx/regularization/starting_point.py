"""The squared distance of weights from where they started, each weighed or all alike."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tlx.objectives.terms import Stream, Term


class StartingPointPenalty(Term):
    """`alpha / 2 * sum_j f_j (w_j - w_j^A)^2` over named parameters, f being 1 unless given.

    What weight decay is towards 0, this is towards model A, so weight decay leaves these
    parameters alone.

    Args:
        parameters: The parameters at their starting point, by name.
        alpha: The strength.
        importance: By name, f of the parameter's shape; None weighs all alike.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        alpha: float,
        device: torch.device | str = "cpu",
        importance: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.undecayed = frozenset(parameters)
        # In tuples, so that checkpoints do not see them: they follow from model A.
        self._held = tuple(parameters.values())
        self._start = tuple(p.detach().clone().to(device) for p in self._held)
        weights = None if importance is None else [importance[name] for name in parameters]
        self._importance = None if weights is None else tuple(f.to(device) for f in weights)

    def forward(self, streams: Mapping[str, Stream] | None = None) -> Tensor:  # noqa: ARG002 - of weights alone
        """Return the term () for the weights as they are now."""
        distances = [
            (now - start).float() for now, start in zip(self._held, self._start, strict=True)
        ]
        squares = [distance.square() for distance in distances]
        if self._importance is not None:
            squares = [f * s for f, s in zip(self._importance, squares, strict=True)]
        return self.alpha / 2 * torch.stack([s.sum() for s in squares]).sum()
