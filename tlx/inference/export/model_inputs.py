"""What an exported model takes: images of one size, or rows of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from tlx.inference.export.pixel_model import PixelModel

if TYPE_CHECKING:
    from tlx.backbones import Backbone


class Taken(Protocol):
    """What a model takes."""

    @property
    def name(self) -> str:
        """What the input is called in the file."""

    @property
    def called(self) -> str:
        """What its examples are."""

    @property
    def words(self) -> str:
        """What it takes, such as `images of 32x32 pixels`."""

    def random(self, count: int, generator: torch.Generator) -> Tensor:
        """Return some random examples, to compare two models on."""

    def network(self, backbone: Backbone) -> nn.Module:
        """Return the network from this input to logits."""


@dataclass(frozen=True)
class TakesImages:
    """RGB images, uint8, of one size; the input pipeline is part of the network.

    Args:
        height: In pixels.
        width: In pixels.
    """

    height: int
    width: int
    name: str = "images"
    called: str = "images"

    @property
    def words(self) -> str:
        """What it takes."""
        return f"images of {self.height}x{self.width} pixels"

    def random(self, count: int, generator: torch.Generator) -> Tensor:
        """Return images (n, 3, height, width) of random pixels."""
        shape = (count, 3, self.height, self.width)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

    def network(self, backbone: Backbone) -> nn.Module:
        """Return input pipeline and network."""
        return PixelModel(backbone, self.height, self.width)


@dataclass(frozen=True)
class TakesFeatures:
    """Rows of features, float32, prepared before.

    Args:
        width: Number of features.
    """

    width: int
    name: str = "features"
    called: str = "rows"

    @property
    def words(self) -> str:
        """What it takes."""
        return f"rows of {self.width} prepared features"

    def random(self, count: int, generator: torch.Generator) -> Tensor:
        """Return rows (n, width) of the standard normal distribution."""
        return torch.randn(count, self.width, generator=generator)

    def network(self, backbone: Backbone) -> nn.Module:
        """Return the network alone."""
        return FeatureModel(backbone.network)


class FeatureModel(nn.Module):
    """A network for features, whose input has their name.

    Args:
        network: Takes features (n, d).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (n, classes) of features (n, d), float32."""
        logits: Tensor = self.network(features)
        return logits
