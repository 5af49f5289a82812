from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from tlx.backbones.preprocess import Preprocess
from tlx.inference.export.pixel_model import PixelModel


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(8, 8), (32, 32), (50, 37), (29, 61), (200, 131)])
def test_pixel_model_prepares_images_as_the_input_pipeline_does(
    size: tuple[int, int], antialias: bool, interpolation: str
) -> None:
    pipeline = Preprocess(36, 32, interpolation=interpolation, antialias=antialias)
    backbone: Any = SimpleNamespace(preprocess=pipeline, network=nn.Identity())
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4, 3, *size), dtype=torch.uint8, generator=generator)
    expected = pipeline(images)
    found = PixelModel(backbone, *size)(images)
    assert found.shape == expected.shape == (4, 3, 32, 32)
    assert expected.std() > 0.1
    # Sums in another order may round a pixel at a half to its other neighbour.
    levels = (found - expected) * 255 * torch.tensor(pipeline.std).view(-1, 1, 1)
    assert levels.abs().max() < 1.01
    assert (levels.abs() > 0.01).float().mean() < 5e-3


def test_pixel_model_leaves_images_of_the_right_size_exactly_as_they_are() -> None:
    pipeline = Preprocess(16, 16)
    backbone: Any = SimpleNamespace(preprocess=pipeline, network=nn.Identity())
    images = torch.arange(3 * 256, dtype=torch.int64).remainder(256).to(torch.uint8)
    images = images.view(1, 3, 16, 16)
    assert torch.equal(PixelModel(backbone, 16, 16)(images), pipeline(images))
