"""Where each family keeps its last layer, and how to put a new one there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

from tlx.backbones.names import family_of
from tlx.backbones.nearest_head import NearestNeighbourHead

HEAD_PATHS: Final[dict[str, str]] = {
    "alexnet": "classifier.6",
    "convnext": "classifier.2",
    "densenet": "classifier",
    "efficientnet": "classifier.1",
    "efficientnet_v2": "classifier.1",
    "googlenet": "fc",
    "inception": "fc",
    "maxvit": "classifier.5",
    "mlp": "head",
    "mnasnet": "classifier.1",
    "mobilenet_v2": "classifier.1",
    "mobilenet_v3": "classifier.3",
    "regnet": "fc",
    "resnet": "fc",
    "resnext": "fc",
    "shufflenet": "fc",
    "squeezenet": "classifier.1",
    "swin": "head",
    "vgg": "classifier.6",
    "vit": "heads.head",
    "wide_resnet": "fc",
}
"""Qualified name of the last layer of each family."""

AUXILIARY_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "googlenet": ("aux1", "aux2"),
    "inception": ("AuxLogits",),
}
"""Auxiliary classifiers, which torchvision runs in training only."""

AUXILIARY_MIN_SIZE: Final[dict[str, int]] = {"inception_v3": 299}
"""Pixels that an auxiliary classifier needs where it needs more than the network itself."""

AUXILIARY_HEAD_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "googlenet": ("aux1.fc2", "aux2.fc2"),
    "inception": ("AuxLogits.fc",),
}
"""The last layer of each auxiliary classifier."""

HeadLayer = nn.Linear | nn.Conv2d


def head_path(name: str) -> str:
    """Return the qualified name of the last layer of a builder's network."""
    return HEAD_PATHS[family_of(name)]


def auxiliary_paths(name: str) -> tuple[str, ...]:
    """Return the qualified names of the auxiliary classifiers (empty for most builders)."""
    return AUXILIARY_PATHS.get(family_of(name), ())


def _normal(std: float) -> Callable[[HeadLayer], None]:
    def initialise(layer: HeadLayer) -> None:
        nn.init.normal_(layer.weight, std=std)
        _zero_bias(layer)

    return initialise


def _truncated_normal(std: float) -> Callable[[HeadLayer], None]:
    def initialise(layer: HeadLayer) -> None:
        _truncate_normal(layer.weight, std)
        _zero_bias(layer)

    return initialise


def _truncated_normal_weight(std: float) -> Callable[[HeadLayer], None]:
    """Return torchvision's Inception initialisation, which leaves the bias at torch's default."""

    def initialise(layer: HeadLayer) -> None:
        _truncate_normal(layer.weight, std)

    return initialise


def _truncate_normal(weight: Tensor, std: float) -> None:
    # PyTorch's default bounds of 2 are 100 deviations away, and versions before 2.15 now and then
    # draw a weight that lies on them.
    nn.init.trunc_normal_(weight, std=std, a=-5 * std, b=5 * std)


def _zero_bias(layer: HeadLayer) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _zeros(layer: HeadLayer) -> None:
    nn.init.zeros_(layer.weight)
    _zero_bias(layer)


def _uniform_by_outputs(layer: HeadLayer) -> None:
    bound = 1.0 / math.sqrt(layer.weight.shape[0])
    nn.init.uniform_(layer.weight, -bound, bound)
    _zero_bias(layer)


def _kaiming_sigmoid(layer: HeadLayer) -> None:
    nn.init.kaiming_uniform_(layer.weight, mode="fan_out", nonlinearity="sigmoid")
    _zero_bias(layer)


# Families that are missing here keep torch's default, as torchvision's own builders do.
_INITIALISERS: Final[dict[str, Callable[[HeadLayer], None]]] = {
    "convnext": _truncated_normal(0.02),
    "densenet": _zero_bias,
    "efficientnet": _uniform_by_outputs,
    "efficientnet_v2": _uniform_by_outputs,
    "googlenet": _truncated_normal_weight(0.01),
    "inception": _truncated_normal_weight(0.1),
    "maxvit": _normal(0.02),
    "mnasnet": _kaiming_sigmoid,
    "mobilenet_v2": _normal(0.01),
    "mobilenet_v3": _normal(0.01),
    "regnet": _normal(0.01),
    "squeezenet": _normal(0.01),
    "swin": _truncated_normal(0.02),
    "vgg": _normal(0.01),
    "vit": _zeros,
}

# torchvision gives Inception's auxiliary layer a narrower spread than its main one.
_AUXILIARY_INITIALISERS: Final[dict[str, Callable[[HeadLayer], None]]] = {
    "googlenet": _truncated_normal_weight(0.01),
    "inception": _truncated_normal_weight(0.001),
}


def _layer_like(old: nn.Module, num_classes: int) -> HeadLayer:
    """Return a fresh layer with the old one's inputs, bias, dtype and device."""
    if isinstance(old, nn.Linear):
        return nn.Linear(
            old.in_features,
            num_classes,
            bias=old.bias is not None,
            device=old.weight.device,
            dtype=old.weight.dtype,
        )
    if isinstance(old, nn.Conv2d) and tuple(old.kernel_size) == (1, 1):
        return nn.Conv2d(
            old.in_channels,
            num_classes,
            kernel_size=1,
            bias=old.bias is not None,
            device=old.weight.device,
            dtype=old.weight.dtype,
        )
    if isinstance(old, NearestNeighbourHead):
        return nn.Linear(
            old.in_features,
            num_classes,
            bias=old.replaces_intercept,
            device=old.train_features.device,
        )
    raise TypeError(f"A head is a Linear or a 1x1 Conv2d, not {old}.")


def _swap(
    network: nn.Module,
    path: str,
    num_classes: int,
    initialise: Callable[[HeadLayer], None] | None,
) -> HeadLayer:
    layer = _layer_like(network.get_submodule(path), num_classes)
    with torch.no_grad():
        if initialise is not None:
            initialise(layer)
    layer.train(network.get_submodule(path).training)
    network.set_submodule(path, layer)
    return layer


def replace_head(network: nn.Module, name: str, num_classes: int) -> None:
    """Put fresh last layers for `num_classes` classes into a torchvision network.

    Only the last layer is replaced (and the last layers of the auxiliary classifiers that the
    network still has): pooling, norms and dropout around it stay. The new layer is initialised
    as torchvision's own builder does it.

    Args:
        network: The network that the builder `name` made; changed in place.
        name: A builder name.
        num_classes: How many classes the new task has.
    """
    family = family_of(name)
    _swap(network, HEAD_PATHS[family], num_classes, _INITIALISERS.get(family))
    for path in AUXILIARY_HEAD_PATHS.get(family, ()):
        if getattr(network, path.partition(".")[0], None) is not None:
            _swap(network, path, num_classes, _AUXILIARY_INITIALISERS.get(family))
    if hasattr(network, "num_classes"):
        setattr(network, "num_classes", num_classes)  # noqa: B010 - a plain attribute to torch
