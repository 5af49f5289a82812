"""What a model says of examples in memory, and the features that reach its head."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from tlx.activations.cached_inputs import StoredTail
from tlx.activations.examples.per_example import ensure_examples
from tlx.activations.fingerprints import arithmetic_of
from tlx.activations.request import requests_at
from tlx.activations.store import ActivationStore, StoreFullError
from tlx.backbones.cutting import cut_behind
from tlx.data.batches import in_order
from tlx.machine import Compute
from tlx.regularization.head_inputs import as_vectors, head_inputs

if TYPE_CHECKING:
    from tlx.backbones import Backbone

log = logging.getLogger("tlx")


@dataclass(frozen=True)
class StoreUse:
    """Where a fit kept the activations of its frozen prefix, example by example.

    Args:
        folder: The store.
        max_gb: Most that it may hold, in 10^9 bytes.
        half_precision: Whether 32-bit activations are kept in 16 bits.
        cut: The last stage of the prefix.
    """

    folder: Path
    max_gb: float
    half_precision: bool
    cut: str


class FromPixels(nn.Module):
    """A model that takes images as they are stored.

    Args:
        backbone: The model.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> Tensor:
        """Return outputs (n, k) of uint8 images (n, channels, h, w)."""
        return cast(Tensor, self.backbone(self.backbone.preprocess(images)))


@contextmanager
def reading(
    backbone: Backbone, images: Tensor, device: str, store: StoreUse | None = None
) -> Iterator[tuple[nn.Module, Tensor]]:
    """Give what takes some images, and what it takes: their activations where a store is used.

    Activations that the store lacks are computed and kept there; where it cannot be used, the
    log says so and the images themselves are given.

    Args:
        backbone: The model, in `eval()`.
        images: uint8, shape (n, channels, h, w).
        device: Where to compute.
        store: Where a frozen prefix's activations are kept; None computes the whole network.
    """
    if store is None:
        yield FromPixels(backbone).eval(), images
        return
    prefix, tail = cut_behind(backbone, store.cut)
    arithmetic = arithmetic_of(Compute(device, "32-true", channels_last=False, threads=1))
    (request,) = requests_at(
        backbone,
        prefix,
        store.cut,
        [("predicted", images)],
        arithmetic,
        half_precision=store.half_precision,
    )
    try:
        kept = ensure_examples(request, ActivationStore(store.folder, store.max_gb))
    except (OSError, StoreFullError) as error:
        log.warning("activations behind %s are not stored: %s", store.cut, error)
        yield FromPixels(backbone).eval(), images
        return
    try:
        rows = cast(Tensor, kept.rows)  # it takes a slice as a tensor does
        yield StoredTail(tail, kept.dtype, kept.manifest.channels_last).eval(), rows
    finally:
        kept.release()


@torch.inference_mode()
def outputs(model: nn.Module, inputs: Tensor, device: str) -> Tensor:
    """Return outputs (n, k) on the CPU.

    Args:
        model: In `eval()`.
        inputs: What it takes, n of them.
        device: Where to compute.
    """
    return torch.cat([model(batch.to(device)).cpu() for batch in in_order(inputs)])


@torch.inference_mode()
def features(head: nn.Module, model: nn.Module, inputs: Tensor, device: str) -> Tensor:
    """Return what reaches a head, one vector per example, shape (n, d), on the CPU.

    Args:
        head: The last layer of `model`.
        model: In `eval()`.
        inputs: What it takes, n of them.
        device: Where to compute.
    """
    found = []
    for batch in in_order(inputs):
        with head_inputs(head) as seen:
            model(batch.to(device))
        (one,) = seen
        is_double = one.dtype == torch.float64
        found.append((one if is_double and one.ndim == 2 else as_vectors(one)).cpu())
    return torch.cat(found)
