from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models import (
    EfficientNet_B0_Weights,
    EfficientNet_V2_S_Weights,
    Inception_V3_Weights,
    RegNet_Y_16GF_Weights,
    ResNet18_Weights,
    ViT_B_16_Weights,
    WeightsEnum,
)

from tlx.backbones.preprocess import Preprocess


def _images(channels: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(
        0, 256, (3, channels, height, width), dtype=torch.uint8, generator=generator
    )


@pytest.mark.parametrize(
    "weights",
    [
        ResNet18_Weights.IMAGENET1K_V1,
        EfficientNet_B0_Weights.IMAGENET1K_V1,
        EfficientNet_V2_S_Weights.IMAGENET1K_V1,
        Inception_V3_Weights.IMAGENET1K_V1,
        RegNet_Y_16GF_Weights.IMAGENET1K_SWAG_E2E_V1,
        ViT_B_16_Weights.IMAGENET1K_V1,
    ],
)
@pytest.mark.parametrize(("height", "width"), [(37, 52), (400, 300)])
def test_preprocess_from_preset_equals_the_preset(
    weights: WeightsEnum, height: int, width: int
) -> None:
    preset = weights.transforms()
    images = _images(3, height, width)
    assert torch.equal(Preprocess.from_preset(preset)(images), preset(images))


def test_preprocess_of_bicubic_preset_is_bicubic() -> None:
    preset = EfficientNet_B0_Weights.IMAGENET1K_V1.transforms()
    assert Preprocess.from_preset(preset).interpolation == "bicubic"


def test_preprocess_of_grey_images_equals_the_preset_on_three_equal_channels() -> None:
    preset = ResNet18_Weights.IMAGENET1K_V1.transforms()
    images = _images(1, 40, 28)
    expected = preset(images.repeat(1, 3, 1, 1))
    assert torch.equal(Preprocess.from_preset(preset)(images), expected)


def test_preprocess_without_resizing_is_the_closed_form() -> None:
    images = _images(3, 8, 8)
    preprocess = Preprocess(8, 8, mean=(0.5, 0.25, 0.0), std=(0.5, 1.0, 2.0))
    scaled = images.double() / 255
    mean = torch.tensor([0.5, 0.25, 0.0]).view(3, 1, 1)
    std = torch.tensor([0.5, 1.0, 2.0]).view(3, 1, 1)
    result = preprocess(images)
    assert result.dtype == torch.float32
    assert torch.allclose(result.double(), (scaled - mean) / std, atol=1e-6)


def test_preprocess_with_size_sets_both_sizes_and_keeps_the_rest() -> None:
    preset = EfficientNet_B0_Weights.IMAGENET1K_V1.transforms()
    preprocess = Preprocess.from_preset(preset).with_size(32)
    assert (preprocess.resize_size, preprocess.crop_size) == (32, 32)
    assert preprocess.interpolation == "bicubic"
    assert preprocess(_images(1, 16, 24)).shape == (3, 3, 32, 32)


def test_preprocess_to_dict_and_back_is_the_same() -> None:
    preprocess = Preprocess(40, 32, "bicubic", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), antialias=False)
    assert Preprocess.from_dict(preprocess.to_dict()) == preprocess
    assert preprocess.to_dict()["mean"] == [0.1, 0.2, 0.3]


def test_preprocess_normalisation_is_imagenets_only_with_its_numbers() -> None:
    assert Preprocess(8, 8).is_imagenet_normalisation
    assert not Preprocess(8, 8, mean=(0.5, 0.5, 0.5)).is_imagenet_normalisation


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.zeros(2, 3, 8, 8), r"torch.float32 of shape \(2, 3, 8, 8\)"),
        (torch.zeros(2, 2, 8, 8, dtype=torch.uint8), r"shape \(2, 2, 8, 8\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), r"shape \(3, 8, 8\)"),
    ],
)
def test_preprocess_of_wrong_images_raises_value_error(images: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Preprocess(8, 8)(images)
