"""Random affine maps of an image, with a choice of what lies beyond its edges."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms import v2

Fill = Literal["constant", "nearest", "reflect"]
_PADDING_MODES: Final[dict[Fill, str]] = {
    "constant": "zeros",
    "nearest": "border",
    "reflect": "reflection",
}


class RandomAffine:
    """torchvision's random affine map, whose own version fills with one colour alone.

    Args:
        drawn: Draws the map's angle, shift, scale and shear.
        fill: What lies beyond the edge: black, the edge's pixels, or the image mirrored.
    """

    def __init__(self, drawn: v2.RandomAffine, fill: Fill) -> None:
        self.drawn = drawn
        self.fill = fill

    def __call__(self, image: Tensor) -> Tensor:
        """Return a uint8 image (channels, h, w) under a map drawn now."""
        drawn: dict[str, Any] = self.drawn.make_params([image])
        matrix = _inverse(drawn, image.shape[-2], image.shape[-1]).to(image.device)
        pixels = image[None].float()
        grid = affine_grid(matrix[None], list(pixels.shape), align_corners=False)
        moved = grid_sample(
            pixels, grid, mode="bilinear", padding_mode=_PADDING_MODES[self.fill],
            align_corners=False,
        )  # fmt: skip
        return moved[0].round_().clamp_(0, 255).to(torch.uint8)


def _inverse(drawn: dict[str, Any], height: int, width: int) -> Tensor:
    """Return the map from places in the result to places in the image, both in [-1, 1].

    An image is sheared along y, then along x, turned, scaled about its centre, and shifted.

    Args:
        drawn: `angle` and `shear` (x, y) in degrees, `translate` (x, y) in pixels, `scale`.
        height: The image's, in pixels.
        width: The image's, in pixels.

    Returns:
        Shape (2, 3).
    """
    angle = math.radians(drawn["angle"])
    shear_x, shear_y = (math.tan(math.radians(degrees)) for degrees in drawn["shear"])
    turn = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]],
        dtype=torch.float64,
    )
    along_x = torch.tensor([[1.0, -shear_x], [0.0, 1.0]], dtype=torch.float64)
    along_y = torch.tensor([[1.0, 0.0], [-shear_y, 1.0]], dtype=torch.float64)
    linear = torch.linalg.inv(drawn["scale"] * turn @ along_y @ along_x)
    shift = linear @ torch.tensor([float(by) for by in drawn["translate"]], dtype=torch.float64)
    half = torch.tensor([width / 2, height / 2], dtype=torch.float64)
    in_halves = linear * half[None, :] / half[:, None]
    return torch.cat([in_halves, -(shift / half)[:, None]], dim=1).float()
