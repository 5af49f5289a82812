from __future__ import annotations

import pytest
import torch

from tlx.backbones.construct import construct
from tlx.backbones.image_size import image_size_fault


@pytest.mark.parametrize(("name", "smallest"), [("inception_v3", 75), ("alexnet", 63)])
def test_image_size_fault_below_the_smallest_names_it(name: str, smallest: int) -> None:
    fault = image_size_fault(name, 32)
    assert str(fault) == (
        f"backbone.image_size=32: {name} shrinks images of this size to nothing. "
        f"Use image_size={smallest} or more."
    )
    assert image_size_fault(name, smallest) is None


@pytest.mark.parametrize(("name", "smallest"), [("inception_v3", 75), ("squeezenet1_1", 17)])
def test_image_size_fault_agrees_with_the_real_network(name: str, smallest: int) -> None:
    network = construct(name, 3, auxiliary=False).eval()
    assert image_size_fault(name, smallest) is None
    assert network(torch.zeros(1, 3, smallest, smallest)).shape == (1, 3)
    assert image_size_fault(name, smallest - 1) is not None
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, smallest - 1, smallest - 1))


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("vit_b_16", 100, "vit_b_16 needs a multiple of 16 pixels. Use image_size=96"),
        ("vit_h_14", 224 + 7, "needs a multiple of 14 pixels"),
        ("maxvit_t", 32, "maxvit_t needs a multiple of 224 pixels. Use image_size=224"),
        ("resnet18", 0, "an image has at least one pixel"),
    ],
)
def test_image_size_fault_of_impossible_size_says_why(name: str, size: int, words: str) -> None:
    assert words in str(image_size_fault(name, size))


def test_image_size_fault_of_vit_bound_to_another_size_names_both() -> None:
    fault = image_size_fault("vit_b_16", 96, bound_to=224)
    assert str(fault) == (
        "backbone.image_size=96: the position embedding of these vit_b_16 weights is for "
        "224 pixels. Use image_size=224, or weights=null for another size."
    )
    assert image_size_fault("vit_b_16", 224, bound_to=224) is None


@pytest.mark.parametrize("name", ["resnet18", "swin_t", "vgg11", "convnext_tiny"])
def test_image_size_fault_of_32_pixels_is_none(name: str) -> None:
    assert image_size_fault(name, 32) is None
