"""A frozen copy of model A that starts where the module starts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from tlx.activations.cached_inputs import StoredTail
from tlx.regularization.head_inputs import as_vectors, head_inputs

if TYPE_CHECKING:
    from tlx.data.task import Split
    from tlx.objectives.terms import ModelInTraining

BATCH_SIZE = 128


class Replica:
    """Model A as it was when the fit began: a copy in `eval()`, without gradients.

    Where the fit starts behind a cut, so does the copy, and holds only what lies behind it: the
    stages before the cut are frozen, and the same for both. It is no module, so that neither
    checkpoints nor training modes reach it.

    Args:
        model: The strategy over model A, before its first step.
        device: Where to compute.
    """

    def __init__(self, model: ModelInTraining, device: torch.device) -> None:
        original = model.start
        copies: dict[int, Any] = {}
        self.network = copy.deepcopy(original, copies)
        if isinstance(self.network, StoredTail):
            # What autocast makes would reach layers in single precision, outside of autocast.
            self.network.dtype = torch.float32
        self.network.to(device).eval().requires_grad_(False)
        self.head = cast(nn.Module, copies[id(model.backbone.head)])
        self._copies = {id(p): copies[id(p)] for p in original.parameters()}
        self._inputs = model.network_inputs
        self._device = device

    def features(self, inputs: Tensor) -> Tensor:
        """Return model A's features (n, d) of what the network takes, in single precision."""
        with torch.no_grad():
            return self.features_with_gradient(inputs)

    def features_with_gradient(self, inputs: Tensor) -> Tensor:
        """Return the same with the gradient of whichever parameters are made to have one."""
        with head_inputs(self.head) as seen:
            self.network(inputs)
        return as_vectors(seen[-1])

    def features_of(self, train: Split) -> Tensor:
        """Return model A's features of all training images as they are stored, shape (n, d)."""
        everything = torch.arange(len(train))
        parts = [self.features(inputs) for inputs in self.batches(train, everything)]
        return torch.cat(parts)

    def batches(
        self, train: Split, indices: Tensor, batch_size: int = BATCH_SIZE
    ) -> Iterator[Tensor]:
        """Yield what the network takes of chosen training images, in their order.

        Args:
            train: Images, or their activations at the cut.
            indices: Which, shape (m,).
            batch_size: Most at a time.
        """
        for chosen in torch.split(indices, batch_size):
            yield self._inputs(train.inputs[chosen].to(self._device))

    def copies_of(self, originals: Mapping[str, nn.Parameter]) -> dict[str, nn.Parameter]:
        """Return the copies of the module's parameters, by the same names.

        Args:
            originals: Parameters that lie behind the cut, if there is one.
        """
        return {name: self._copies[id(p)] for name, p in originals.items()}
