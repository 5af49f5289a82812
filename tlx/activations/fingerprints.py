"""Fingerprints of what goes into activations: pixels, weights and operations."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import torch
import torchvision
from torch import Tensor

from tlx.activations.key import Arithmetic
from tlx.backbones.weights.fingerprint import state_fingerprint

if TYPE_CHECKING:
    from tlx.backbones.cutting import Prefix
    from tlx.data.images.stored.mapped_images import MappedImages
    from tlx.machine import Compute

_BLOCK = 1024
_AUTOCAST = {"bf16-mixed": "bfloat16", "16-mixed": "float16", "32-true": ""}


def images_fingerprint(images: Tensor | MappedImages) -> str:
    """Return the SHA-256 of images: type, shape and bytes, in order."""
    if isinstance(images, Tensor):
        return state_fingerprint({"images": images})
    # Images on disk: the same digest as of a tensor, block by block.
    digest = hashlib.sha256(f"images|{images.dtype}|{tuple(images.shape)}|".encode())
    for first in range(0, len(images), _BLOCK):
        digest.update(images[first : first + _BLOCK].contiguous().numpy().data)
    return digest.hexdigest()


def weights_fingerprint(prefix: Prefix) -> str:
    """Return the SHA-256 of a prefix's own parameters and buffers, under the network's names."""
    return state_fingerprint(prefix.graph_module.state_dict())


def structure_fingerprint(prefix: Prefix) -> str:
    """Return the SHA-256 of a prefix's operations, and of its layers as they describe themselves.

    Settings of a layer that are no weights (strides, a norm's epsilon) are in its description.
    """
    layers = [
        f"{node.target}: {prefix.graph_module.get_submodule(str(node.target))!r}"
        for node in prefix.graph_module.graph.nodes
        if node.op == "call_module"
    ]
    text = "\n".join([prefix.graph_module.code, *layers])
    # Python describes a function by its address, which is another in every process.
    return hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", text).encode()).hexdigest()


def arithmetic_of(compute: Compute, *, full_precision: bool = False) -> Arithmetic:
    """Return the arithmetic of a fit.

    Args:
        compute: Device and numerics of the fit.
        full_precision: Without mixed precision, as predictions are scored.
    """
    return Arithmetic(
        device=compute.accelerator,
        autocast="" if full_precision else _AUTOCAST[compute.precision],
        channels_last=compute.channels_last,
        matmul_precision=torch.get_float32_matmul_precision(),
        torch=_minor(torch.__version__),
        torchvision=_minor(torchvision.__version__),
    )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
