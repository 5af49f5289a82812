"""Plain torchvision networks, for real or without memory on the meta device."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torchvision.models import get_model

from tlx.backbones.heads import AUXILIARY_PATHS
from tlx.backbones.mlp.mlp_name import mlp_structure
from tlx.backbones.mlp.network import make_mlp
from tlx.backbones.names import family_of


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Make modules without memory for their parameters, and without drawing random numbers.

    `torch.device("meta")` is no use here: RegNet computes its widths with tensors while it is
    built, and so needs real ones.
    """

    def move(_module: nn.Module, _name: str, parameter: nn.Parameter | None) -> Any:
        if parameter is None:
            return None
        return nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(move)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        handle.remove()


def construct(
    name: str,
    num_classes: int,
    *,
    image_size: int | None = None,
    transform_input: bool = True,
    auxiliary: bool = True,
    meta: bool = False,
) -> nn.Module:
    """Build a torchvision network, or an MLP, with freshly initialised parameters.

    Args:
        name: A builder name.
        num_classes: Outputs of the last layer (and of the auxiliary classifiers).
        image_size: Height and width in pixels, for the builders whose network depends on it (ViT
            and MaxViT); None means torchvision's default. Of an MLP, the number of features.
        transform_input: Whether GoogLeNet and Inception turn ImageNet's normalisation into their
            own, as they do with torchvision's weights.
        auxiliary: Whether GoogLeNet and Inception keep their auxiliary classifiers.
        meta: Put the parameters on the meta device and draw no random numbers. Buffers stay real.

    Raises:
        AssertionError, ValueError: If the network cannot be built for this image size.
    """
    structure = mlp_structure(name)
    if structure is not None:
        with _parameters_on_meta() if meta else nullcontext():
            return make_mlp(structure, image_size or 1, num_classes)
    family = family_of(name)
    options: dict[str, Any] = {"num_classes": num_classes}
    if family in AUXILIARY_PATHS:
        options |= {
            "aux_logits": auxiliary,
            "transform_input": transform_input,
            "init_weights": True,
        }
    if image_size is not None and family == "vit":
        options["image_size"] = image_size
    if image_size is not None and family == "maxvit":
        options["input_size"] = (image_size, image_size)
    with _parameters_on_meta() if meta else nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        network = get_model(name, weights=None, **options)
    if not isinstance(network, nn.Module):
        raise TypeError(f"torchvision's builder {name} made {type(network)}, not a Module.")
    return network
