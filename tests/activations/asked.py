"""Small real requests for activations, for the tests of this folder."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.strategies.fits import small_backbone
from tlx.activations.fingerprints import arithmetic_of
from tlx.activations.request import PrefixRequest, requests_at
from tlx.backbones import Backbone
from tlx.backbones.cutting import cut_behind
from tlx.machine import Compute

CPU = Compute(accelerator="cpu", precision="32-true", channels_last=False, threads=1)
ROWS_PER_PART = 4


def some_images(count: int = 10, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)


def small_request(
    backbone: Backbone | None = None,
    *,
    cut: str = "layer1",
    images: Tensor | None = None,
    compute: Compute = CPU,
    half_precision: bool = False,
) -> PrefixRequest:
    """Return a request for ten images behind the second of ResNet-18's stages."""
    model = small_backbone("resnet18") if backbone is None else backbone
    prefix, _ = cut_behind(model, cut)
    pixels = some_images() if images is None else images
    (request,) = requests_at(
        model,
        prefix,
        cut,
        [("train", pixels)],
        arithmetic_of(compute),
        half_precision=half_precision,
    )
    return request
