"""A run's use of the store: decided, looked up or computed, and handed on as images' stand-ins."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from tlx.activations.compute import ensure, missing
from tlx.activations.request import PrefixRequest, run_requests
from tlx.activations.settings import why_images_change
from tlx.activations.store import ActivationStore, StoreFullError, size_words
from tlx.activations.stored import StoredActivations
from tlx.reports.counted import counted

if TYPE_CHECKING:
    from tlx.activations.settings import ActivationSettings
    from tlx.data.task import ImageTask, Split
    from tlx.strategies.transfer_module import TransferModule
    from tlx.training.device import Compute

SHOWN_KEY = 12
log = logging.getLogger("tlx")


class StoredTail(nn.Module):
    """A tail that takes activations as the store gives them.

    Args:
        tail: The stages behind the cut and the head.
        dtype: The type in which the activations were computed.
        channels_last: Whether the network would lay them out channels last.
    """

    def __init__(self, tail: nn.Module, dtype: torch.dtype, channels_last: bool) -> None:
        super().__init__()
        self.tail = tail
        self.dtype = dtype
        self.channels_last = channels_last

    def forward(self, activations: Tensor) -> Tensor:
        """Return logits (n, classes) of stored activations (n, ...)."""
        values = activations.to(self.dtype)
        if self.channels_last:
            values = values.contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.tail(values))


@dataclass(frozen=True)
class Behind:
    """What a run computes with once its prefix is done.

    Args:
        task: The task with activations in the place of images; its test split stays unread.
        tail: Makes logits of the activations of `task`, in training and validation.
        scored: The activations of `val` and `test` in full precision.
        scoring_tail: Makes logits of those.
    """

    task: ImageTask
    tail: StoredTail
    scored: Mapping[str, Tensor]
    scoring_tail: StoredTail


@dataclass
class Served:
    """What came of asking the store.

    Args:
        record: What was used, or why not, for the run's result.
        behind: What to compute with; None where the run computes its prefix itself.
        held: The activations in use.
    """

    record: dict[str, Any]
    behind: Behind | None = None
    held: Sequence[StoredActivations] = field(default_factory=tuple)

    def release(self) -> None:
        """Let the activations be pruned."""
        for stored in self.held:
            stored.release()


def serve(
    settings: ActivationSettings, task: ImageTask, module: TransferModule, compute: Compute
) -> Served:
    """Give a run the activations of its frozen prefix, from the store or computed now.

    Args:
        settings: Whether and where.
        task: The target task.
        module: The strategy over model A, whose memory layout is decided.
        compute: Where and how the fit computes.
    """
    cut = module.frozen_prefix()
    if settings.mode == "off":
        return Served({"used": False, "reason": "activations.mode=off"})
    if cut is None:
        return Served({"used": False, "reason": "the first stage trains"})
    augmentation = module.training_recipe.augmentation
    changing = why_images_change(augmentation)
    if changing is not None:
        return Served({"used": False, "reason": changing})
    try:
        served = _served(settings, task, module, compute, cut)
        if augmentation.views is not None:
            served.record["views"] = augmentation.views
        return served
    except (OSError, StoreFullError) as error:
        log.warning("activations behind %s are not stored: %s", cut, error)
        return Served({"used": False, "cut": cut, "reason": str(error)})


def _served(
    settings: ActivationSettings,
    task: ImageTask,
    module: TransferModule,
    compute: Compute,
    cut: str,
) -> Served:
    from tlx.backbones.splitting import split

    prefix, tail = split(module.backbone, cut)
    half = settings.half_precision
    fit, scores = run_requests(module.backbone, prefix, cut, task, compute, half_precision=half)
    store = ActivationStore(Path(settings.folder), settings.max_gb)
    held = ensure_all([*fit, *scores], store)
    found = {request.key.digest: stored for request, stored in held}
    train, val = (found[request.key.digest] for request in fit)
    scored = {request.name: found[request.key.digest] for request in scores}
    behind = Behind(
        task=replace(task, train=_with(task.train, train), val=_with(task.val, val)),
        tail=_tail(tail, train),
        scored={name: _rows(stored) for name, stored in scored.items()},
        scoring_tail=_tail(tail, scored["test"]),
    )
    record = _record(cut, held, store)
    log.info("%s", _words(record))
    return Served(record, behind, [stored for _, stored in held])


def ensure_all(
    requests: Sequence[PrefixRequest], store: ActivationStore
) -> list[tuple[PrefixRequest, StoredActivations]]:
    """Return activations for all requests, each key once, after asking whether they can fit.

    Raises:
        StoreFullError: Where they cannot, before anything is computed.
        OSError: Where the store cannot be read or written.
    """
    unique = list({request.key.digest: request for request in requests}.values())
    lacking = missing(unique, store)
    layouts: dict[Any, int] = {}
    for request in lacking:  # one image says what all others need
        layouts.setdefault(request.key.arithmetic, request.manifest().row_bytes)
    store.check_room(sum(len(r) * layouts[r.key.arithmetic] for r in lacking))
    images = sum(len(request) for request in lacking)
    held: list[tuple[PrefixRequest, StoredActivations]] = []
    try:
        with counted(images, "activations") as advance:
            held.extend((request, ensure(request, store, advance)) for request in unique)
    except BaseException:
        for _, stored in held:
            stored.release()
        raise
    return held


def _rows(stored: StoredActivations) -> Tensor:
    # Several parts answer an index as a tensor does, which is all that batches ask of images.
    return cast(Tensor, stored.rows)


def _with(split: Split, stored: StoredActivations) -> Split:
    return replace(split, images=_rows(stored))


def _tail(tail: nn.Module, stored: StoredActivations) -> StoredTail:
    return StoredTail(tail, stored.dtype, stored.manifest.channels_last)


def _record(
    cut: str,
    held: Sequence[tuple[PrefixRequest, StoredActivations]],
    store: ActivationStore,
) -> dict[str, Any]:
    entries = [
        {
            "split": request.name,
            "key": stored.manifest.key[:SHOWN_KEY],
            "images": stored.manifest.rows,
            "bytes": stored.manifest.bytes,
            "dtype": stored.manifest.dtype,
            "shape": list(stored.manifest.shape),
            "computed": stored.computed_parts > 0,
        }
        for request, stored in held
    ]
    return {"used": True, "cut": cut, "folder": str(store.folder), "entries": entries}


def _words(record: Mapping[str, Any]) -> str:
    entries = record["entries"]
    sizes = size_words(sum(entry["bytes"] for entry in entries))
    images = sum(entry["images"] for entry in entries)
    computed = [entry["split"] for entry in entries if entry["computed"]]
    how = f"computed {', '.join(computed)}" if computed else "all read from the store"
    return f"activations behind {record['cut']}: {images:,} images, {sizes}, {how}"
