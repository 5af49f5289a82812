"""Which activations a run needs: one request per split, and per arithmetic where there are two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tlx.activations.fingerprints import (
    arithmetic_of,
    images_fingerprint,
    structure_fingerprint,
    weights_fingerprint,
)
from tlx.activations.key import ActivationKey, Arithmetic
from tlx.activations.manifest import Manifest
from tlx.activations.phases import Cuts, PartlyFrozen, cuts_of
from tlx.data.batches import EVALUATION_BATCH_SIZE

if TYPE_CHECKING:
    from tlx.activations.settings import ActivationSettings
    from tlx.backbones import Backbone, Preprocess
    from tlx.backbones.cutting import Prefix, Tail
    from tlx.data.task import Task
    from tlx.machine import Compute

"""Images at a time; that of validation and scoring, whose numbers the store gives bit for bit."""
PART_BYTES = 64_000_000
"""Most bytes of a part, unless one batch has more."""
LEAST_BATCHES = 4
"""Batches of a part where nothing asks for more: smaller parts cost more than they share."""
SHARES = 64
"""Processes that can compute one split's activations together."""


@dataclass(frozen=True)
class PrefixRequest:
    """The activations of one split's images at a cut.

    Args:
        name: The split, for people (`train`).
        key: What the activations depend on.
        images: uint8 pixels (n, channels, h, w).
        prefix: The stages up to the cut.
        preprocess: Makes the prefix's input from the images.
    """

    name: str
    key: ActivationKey
    images: Tensor
    prefix: Prefix
    preprocess: Preprocess

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def activations(self, first: int, end: int) -> Tensor:
        """Return the activations (n, ...) of some images, computed now, on the CPU.

        Args:
            first: The first image.
            end: The image behind the last.
        """
        device = torch.device(self.key.arithmetic.device)
        self.prefix.to(device)  # parameters moved in inference mode could not be trained later
        with torch.inference_mode(), _autocast(self.key.arithmetic):
            pixels = self.preprocess(self.images[first:end].to(device))
            activations: Tensor = self.prefix(pixels)
        return activations.cpu()

    def manifest(self) -> Manifest:
        """Return the layout of the entry, from one image sent through the prefix."""
        return self.manifest_of(self.activations(0, 1))

    def manifest_of(self, one: Tensor) -> Manifest:
        """Return the layout of the entry, from the activations (1, ...) of one image."""
        shape = tuple(one.shape[1:])
        dtype = str(one.dtype).removeprefix("torch.")
        halved = dtype == "float32" and self.key.half_precision
        stored = "int16" if dtype == "bfloat16" else "float16" if halved else dtype
        layout = torch.channels_last
        is_image = one.dim() == 4 and not one.is_contiguous()
        row_bytes = one[0].numel() * (2 if halved else one.element_size())
        most = max(1, PART_BYTES // (row_bytes * EVALUATION_BATCH_SIZE))
        batches = min(most, max(LEAST_BATCHES, -(-len(self) // (SHARES * EVALUATION_BATCH_SIZE))))
        return Manifest(
            key=self.key.digest,
            rows=len(self),
            shape=shape,
            dtype=dtype,
            stored=stored,
            channels_last=is_image and one.is_contiguous(memory_format=layout),
            rows_per_part=batches * EVALUATION_BATCH_SIZE,
            about=self.key.to_dict() | {"split": self.name},
        )


def _autocast(arithmetic: Arithmetic) -> torch.autocast | nullcontext[None]:
    if not arithmetic.autocast:
        return nullcontext()
    return torch.autocast(arithmetic.device, dtype=getattr(torch, arithmetic.autocast))


def requests_at(
    backbone: Backbone,
    prefix: Prefix,
    cut: str,
    images: Iterable[tuple[str, Tensor]],
    arithmetic: Arithmetic,
    *,
    half_precision: bool = False,
) -> list[PrefixRequest]:
    """Return requests for the activations of several sets of images at one cut.

    Args:
        backbone: Model A.
        prefix: Its stages up to the cut, of `cut_behind(backbone, cut)`.
        cut: The last stage of the prefix.
        images: The name and the uint8 pixels of each set.
        arithmetic: Device and numbers.
        half_precision: Keep 32-bit activations in 16 bits.
    """
    structure, weights = structure_fingerprint(prefix), weights_fingerprint(prefix)
    return [
        PrefixRequest(
            name=name,
            key=ActivationKey(
                images=images_fingerprint(pixels),
                backbone=backbone.name,
                cut=cut,
                structure=structure,
                weights=weights,
                transforms=backbone.preprocess.to_dict(),
                half_precision=half_precision,
                arithmetic=arithmetic,
            ),
            images=pixels,
            prefix=prefix,
            preprocess=backbone.preprocess,
        )
        for name, pixels in images
    ]


@dataclass(frozen=True)
class CutRequests:
    """What a run needs behind one cut.

    Args:
        tail: The stages behind it and the head.
        fit: Train and val, as the fit computes.
        scores: Val and test in full precision; none of a cut that does not hold to the end.
    """

    tail: Tail
    fit: Sequence[PrefixRequest]
    scores: Sequence[PrefixRequest] = ()

    @property
    def requests(self) -> list[PrefixRequest]:
        """Return all of them; the same key may stand among them twice."""
        return [*self.fit, *self.scores]


@dataclass(frozen=True)
class RunRequests:
    """What a run needs.

    Args:
        fit: By cut, what its epochs and its scores need.
        solving: What it solves for a head on, in full precision.
    """

    fit: dict[str, CutRequests]
    solving: CutRequests | None = None

    @property
    def requests(self) -> list[PrefixRequest]:
        """Return all requests; the same key may stand among them twice."""
        solving = [] if self.solving is None else [self.solving]
        return [request for cut in (*solving, *self.fit.values()) for request in cut.requests]


def requests_of(
    backbone: Backbone,
    cuts: Cuts,
    task: Task,
    compute: Compute,
    *,
    half_precision: bool = False,
) -> RunRequests:
    """Return what a run needs behind its cuts.

    Heads are solved for, and scores computed, in full precision; only where the fit is not, the
    same images are asked for twice.
    """
    from tlx.backbones.cutting import cut_behind

    fit = (("train", task.train.inputs), ("val", task.val.inputs))
    scores = tuple((name, split.inputs) for name, split in task.scored.items())

    def at(cut: str, *, full: bool, scored: bool = False) -> CutRequests:
        prefix, tail = cut_behind(backbone, cut)
        asked = [
            requests_at(
                backbone,
                prefix,
                cut,
                images,
                arithmetic_of(compute, full_precision=in_full),
                half_precision=half_precision,
            )
            for images, in_full in ((fit, full), (scores if scored else (), True))
        ]
        return CutRequests(tail, *asked)

    return RunRequests(
        {cut: at(cut, full=False, scored=cut == cuts.last) for cut in cuts.of_fit},
        None if cuts.solving is None else at(cuts.solving, full=True),
    )


def distinct_requests(
    settings: ActivationSettings,
    task: Task,
    module: PartlyFrozen,
    compute: Compute,
    epochs: int,
) -> list[PrefixRequest]:
    """Return the distinct activations that a run will read, to compute them before it starts.

    Args:
        settings: Whether and where.
        task: The run's task.
        module: Its strategy, applied to model A as the run would build it.
        compute: Where and how its fit computes.
        epochs: Length of its fit.

    Returns:
        One request per key; none where the run does not use the store, or by examples.
    """
    cuts = cuts_of(module, epochs)
    if settings.mode == "off" or settings.per_example or not cuts.names:
        return []
    if module.augmentation.name != "none":  # each run makes its own views, if it has any
        return []
    if compute.channels_last:
        module.backbone.network.to(memory_format=torch.channels_last)
    half = settings.half_precision
    asked = requests_of(module.backbone, cuts, task, compute, half_precision=half)
    return list({request.key.digest: request for request in asked.requests}.values())
