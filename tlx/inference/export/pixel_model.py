"""A model that takes pixels: its input pipeline as part of the network, for an image size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms import functional as transforms

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.backbones.preprocess import Preprocess


class PixelModel(nn.Module):
    """Logits of stored images of one size; computes what `Preprocess` and the network do.

    Resizing is linear and goes along rows and columns one after the other, so for a known size it
    is two matrices. They are torch's own interpolation of unit vectors. Matrix products run
    everywhere, antialiased resizing does not.

    Args:
        backbone: The model, in `eval()`.
        height: Height of the images, in pixels.
        width: Width of the images, in pixels.
    """

    rows: Tensor
    columns: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, height: int, width: int) -> None:
        super().__init__()
        pipeline = backbone.preprocess
        self.network = backbone.network
        self.crop_size = pipeline.crop_size
        new_height, new_width = _resized(height, width, pipeline.resized_to)
        self.resizes = (new_height, new_width) != (height, width)
        self.register_buffer("rows", _resizing_matrix(height, new_height, pipeline))
        self.register_buffer("columns", _resizing_matrix(width, new_width, pipeline).T.contiguous())
        self.register_buffer("mean", torch.tensor(pipeline.mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(pipeline.std).view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, classes) of RGB images (n, 3, height, width), uint8."""
        pixels = images.float()
        if self.resizes:
            pixels = (self.rows @ pixels @ self.columns).round().clamp(0, 255)
        pixels = transforms.center_crop(pixels, [self.crop_size])
        logits: Tensor = self.network((pixels / 255 - self.mean) / self.std)
        return logits


def _resized(height: int, width: int, to: list[int]) -> tuple[int, int]:
    empty = torch.empty(1, height, width, device="meta")
    size = transforms.resize(empty, to, antialias=True).shape
    return int(size[-2]), int(size[-1])


def _resizing_matrix(old: int, new: int, pipeline: Preprocess) -> Tensor:
    """Return the matrix (new, old) that resizes a column of pixels."""
    unit_vectors = torch.eye(old)[None, None]
    size, mode, antialias = (new, old), pipeline.interpolation, pipeline.antialias
    if mode == "nearest":
        return functional.interpolate(unit_vectors, size, mode=mode)[0, 0]
    resized = functional.interpolate(
        unit_vectors, size, mode=mode, align_corners=False, antialias=antialias
    )
    return resized[0, 0].contiguous()
