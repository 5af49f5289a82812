"""The names and families of torchvision's image classifiers, known without importing torch."""

from __future__ import annotations

from typing import Final

from tlx.backbones.mlp.mlp_name import FAMILY, is_mlp

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "alexnet": ("alexnet",),
    "convnext": ("convnext_base", "convnext_large", "convnext_small", "convnext_tiny"),
    "densenet": ("densenet121", "densenet161", "densenet169", "densenet201"),
    "efficientnet": tuple(f"efficientnet_b{scale}" for scale in range(8)),
    "efficientnet_v2": ("efficientnet_v2_l", "efficientnet_v2_m", "efficientnet_v2_s"),
    "googlenet": ("googlenet",),
    "inception": ("inception_v3",),
    "maxvit": ("maxvit_t",),
    "mnasnet": ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"),
    "mobilenet_v2": ("mobilenet_v2",),
    "mobilenet_v3": ("mobilenet_v3_large", "mobilenet_v3_small"),
    "regnet": (
        "regnet_x_16gf",
        "regnet_x_1_6gf",
        "regnet_x_32gf",
        "regnet_x_3_2gf",
        "regnet_x_400mf",
        "regnet_x_800mf",
        "regnet_x_8gf",
        "regnet_y_128gf",
        "regnet_y_16gf",
        "regnet_y_1_6gf",
        "regnet_y_32gf",
        "regnet_y_3_2gf",
        "regnet_y_400mf",
        "regnet_y_800mf",
        "regnet_y_8gf",
    ),
    "resnet": ("resnet101", "resnet152", "resnet18", "resnet34", "resnet50"),
    "resnext": ("resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d"),
    "shufflenet": (
        "shufflenet_v2_x0_5",
        "shufflenet_v2_x1_0",
        "shufflenet_v2_x1_5",
        "shufflenet_v2_x2_0",
    ),
    "squeezenet": ("squeezenet1_0", "squeezenet1_1"),
    "swin": ("swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t"),
    "vgg": (
        "vgg11",
        "vgg11_bn",
        "vgg13",
        "vgg13_bn",
        "vgg16",
        "vgg16_bn",
        "vgg19",
        "vgg19_bn",
    ),
    "vit": ("vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32"),
    "wide_resnet": ("wide_resnet101_2", "wide_resnet50_2"),
}
"""Builder names by family, both in alphabetical order."""

BUILDER_NAMES: Final[tuple[str, ...]] = tuple(
    sorted(name for names in FAMILIES.values() for name in names)
)
"""Every builder name that `tlx` accepts as a backbone, in alphabetical order."""

_FAMILY_OF: Final[dict[str, str]] = {
    name: family for family, names in FAMILIES.items() for name in names
}


def family_of(name: str) -> str:
    """Return the family of a builder (`resnet` for `resnet50`).

    Args:
        name: A builder name of `BUILDER_NAMES`, or a multilayer perceptron's.

    Raises:
        KeyError: If no builder has this name.
    """
    return FAMILY if is_mlp(name) else _FAMILY_OF[name]
