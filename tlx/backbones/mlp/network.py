"""The multilayer perceptron: the backbone for features, such as those of a table."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from tlx.backbones.mlp.mlp_name import MlpStructure
from tlx.backbones.preprocess import Preprocess

FIRST_WEIGHT: Final = "hidden1.weight"
"""The tensor whose second dimension is the input width."""
_ACTIVATIONS: Final[dict[str, Callable[[], nn.Module]]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


def make_mlp(structure: MlpStructure, features: int, num_classes: int) -> nn.Sequential:
    """Build a multilayer perceptron with torch's own initialisation.

    Its layers are called `hidden1`, `activation1`, `dropout1` (where there is dropout), `hidden2`
    and so on, and `head`.

    Args:
        structure: The hidden layers.
        features: Input width.
        num_classes: Outputs of the head.

    Returns:
        A network from (n, features) to logits (n, num_classes).
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = features
    for number, hidden in enumerate(structure.hidden, start=1):
        layers[f"hidden{number}"] = nn.Linear(width, hidden)
        layers[f"activation{number}"] = _ACTIVATIONS[structure.activation]()
        if structure.dropout:
            layers[f"dropout{number}"] = nn.Dropout(structure.dropout)
        width = hidden
    layers["head"] = nn.Linear(width, num_classes)
    return nn.Sequential(layers)


def features_in(state: Mapping[str, Tensor]) -> int | None:
    """Return the input width that an MLP's weights are bound to, or None where they lack it."""
    first = state.get(FIRST_WEIGHT)
    return None if first is None or len(first.shape) != 2 else int(first.shape[1])


@dataclass(frozen=True)
class FeatureInput(Preprocess):
    """The input pipeline of a network for features: it takes them as the data set prepared them.

    Args:
        resize_size: Number of features.
        crop_size: Number of features.
    """

    @classmethod
    def of_width(cls, features: int) -> FeatureInput:
        """Return the pipeline for a number of features."""
        return cls(features, features)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return {"features": self.crop_size}

    @property
    def is_imagenet_normalisation(self) -> bool:
        """False: features have no channels."""
        return False

    def __call__(self, images: Tensor) -> Tensor:
        """Return features (n, d) as they are.

        Raises:
            ValueError: If they are no float32 features of this width.
        """
        if images.dtype != torch.float32 or images.shape[1:] != (self.crop_size,):
            raise ValueError(
                f"Features must be float32 of shape (n, {self.crop_size}), not "
                f"{images.dtype} of shape {tuple(images.shape)}."
            )
        return images


def input_pipeline(values: Mapping[str, Any]) -> Preprocess:
    """Return the pipeline that `to_dict` wrote, for images or for features."""
    if "features" in values:
        return FeatureInput.of_width(int(values["features"]))
    return Preprocess.from_dict(values)
