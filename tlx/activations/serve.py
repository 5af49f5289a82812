"""A run's use of the store: whether it has one, and what it trains on in the place of images."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

from tlx.activations.cached_inputs import CachedInputs, PhaseInputs, StoredTail
from tlx.activations.compute import Advance, ensure, missing, missing_rows
from tlx.activations.examples.per_example import ExampleActivations, ensure_examples
from tlx.activations.phases import Cuts, PartlyFrozen, cuts_of
from tlx.activations.request import CutRequests, PrefixRequest, requests_of
from tlx.activations.settings import why_images_change
from tlx.activations.store import ActivationStore, StoreFullError, size_words
from tlx.activations.stored import StoredActivations
from tlx.progress import counted

if TYPE_CHECKING:
    from tlx.activations.settings import ActivationSettings
    from tlx.data.task import Split, Task
    from tlx.machine import Compute

Activations = StoredActivations | ExampleActivations
SHOWN_KEY = 12
log = logging.getLogger("tlx")


@dataclass
class Served:
    """What came of asking the store.

    Args:
        record: What was used, or why not, for the run's result.
        cached: What to take in every epoch and for the scores; None where nothing holds to the
            end, or the run computes its prefix itself.
        held: The activations in use.
        phases: What to take from an epoch on, where that changes in the fit.
        solving: What to solve for a head with, before the first epoch.
    """

    record: dict[str, Any]
    cached: CachedInputs | None = None
    held: Sequence[Activations] = field(default_factory=tuple)
    phases: Sequence[PhaseInputs] = ()
    solving: CachedInputs | None = None

    def release(self) -> None:
        """Let the activations be pruned."""
        for stored in self.held:
            stored.release()


def serve(
    settings: ActivationSettings,
    task: Task,
    module: PartlyFrozen,
    compute: Compute,
    epochs: int | None = None,
) -> Served:
    """Give a run the activations of its frozen prefix, from the store or computed now.

    Args:
        settings: Whether and where.
        task: The target task.
        module: The strategy over model A, whose memory layout is decided.
        compute: Where and how the fit computes.
        epochs: Length of the fit, whose phases may have prefixes of their own; None asks for the
            prefix that is frozen in all epochs.
    """
    if settings.mode == "off":
        return Served({"used": False, "reason": "activations.mode=off"})
    cuts = cuts_of(module, epochs)
    if not cuts.names:
        return Served({"used": False, "reason": "the first stage trains"})
    if module.further_streams:
        return Served({"used": False, "reason": f"a step takes {_listed(module)} as well"})
    augmentation = module.augmentation
    changing = why_images_change(augmentation)
    if changing is not None:
        return Served({"used": False, "reason": changing})
    try:
        served = _served(settings, task, module, compute, cuts)
        if augmentation.views is not None:
            served.record["views"] = augmentation.views
        return served
    except (OSError, StoreFullError) as error:
        where = ", ".join(cuts.names)
        log.warning("activations behind %s are not stored: %s", where, error)
        return Served({"used": False, "cut": where, "reason": str(error)})


def _listed(module: PartlyFrozen) -> str:
    return " and ".join(f"the split {name!r}" for name in module.further_streams)


def _served(
    settings: ActivationSettings,
    task: Task,
    module: PartlyFrozen,
    compute: Compute,
    cuts: Cuts,
) -> Served:
    half = settings.half_precision
    asked = requests_of(module.backbone, cuts, task, compute, half_precision=half)
    store = ActivationStore(Path(settings.folder), settings.max_gb)
    held = ensure_all(asked.requests, store, per_example=settings.per_example)
    found = {request.key.digest: stored for request, stored in held}
    cached = {cut: _cached(task, one, found) for cut, one in asked.fit.items()}
    served = Served(_record(cuts, held, store), held=[stored for _, stored in held])
    served.cached = cached.get(cuts.last or "")
    if asked.solving is not None:
        served.solving = _cached(task, asked.solving, found)
    if len(cuts.phases) > 1:
        starts = [PhaseInputs(p.first_epoch, cached.get(p.cut or "")) for p in cuts.phases]
        served.phases = starts
    log.info("%s", _words(served.record))
    return served


def _cached(task: Task, asked: CutRequests, found: Mapping[str, Activations]) -> CachedInputs:
    train, val = (found[request.key.digest] for request in asked.fit)
    scored = {request.name: found[request.key.digest] for request in asked.scores}
    return CachedInputs(
        task=task.with_splits(train=_with(task.train, train), val=_with(task.val, val)),
        tail=_tail(asked.tail, train),
        scored={name: _rows(stored) for name, stored in scored.items()},
        scoring_tail=_tail(asked.tail, next(iter(scored.values()), train)),
    )


def ensure_all(
    requests: Sequence[PrefixRequest], store: ActivationStore, *, per_example: bool = False
) -> list[tuple[PrefixRequest, Activations]]:
    """Return activations for all requests, each key once, after asking whether they can fit.

    Args:
        requests: Which activations.
        store: Where they are kept.
        per_example: Whether example by example; else split by split.

    Raises:
        StoreFullError: Where they cannot, before anything is computed.
        OSError: Where the store cannot be read or written.
    """
    unique = list({request.key.digest: request for request in requests}.values())
    if per_example:
        return _held(unique, store, ensure_examples, sum(map(len, unique)))
    lacking = missing(unique, store)
    layouts: dict[Any, int] = {}
    for request in lacking:  # one image says what all others need
        layouts.setdefault(request.key.arithmetic, request.manifest().row_bytes)
    store.check_room(sum(missing_rows(r, store) * layouts[r.key.arithmetic] for r in lacking))
    return _held(unique, store, ensure, sum(map(len, lacking)))


def _held(
    requests: Sequence[PrefixRequest],
    store: ActivationStore,
    ensured: Callable[[PrefixRequest, ActivationStore, Advance], Activations],
    images: int,
) -> list[tuple[PrefixRequest, Activations]]:
    """Return what each request asks for, or hold on to nothing."""
    held: list[tuple[PrefixRequest, Activations]] = []
    try:
        with counted(images, "activations") as advance:
            held.extend((request, ensured(request, store, advance)) for request in requests)
    except BaseException:
        for _, stored in held:
            stored.release()
        raise
    return held


def _rows(stored: Activations) -> Tensor:
    # Several parts answer an index as a tensor does, which is all that batches ask of images.
    return cast(Tensor, stored.rows)


def _with(split: Split, stored: Activations) -> Split:
    return replace(split, inputs=_rows(stored))


def _tail(tail: nn.Module, stored: Activations) -> StoredTail:
    return StoredTail(tail, stored.dtype, stored.manifest.channels_last)


def _record(
    cuts: Cuts,
    held: Sequence[tuple[PrefixRequest, Activations]],
    store: ActivationStore,
) -> dict[str, Any]:
    entries = [
        {
            "split": request.name,
            "cut": request.key.cut,
            "key": stored.manifest.key[:SHOWN_KEY],
            "images": stored.manifest.rows,
            "bytes": stored.manifest.bytes,
            "dtype": stored.manifest.dtype,
            "shape": list(stored.manifest.shape),
            "computed": stored.computed_parts > 0,
        }
        for request, stored in held
    ]
    record = {"used": True, "cut": cuts.last, "folder": str(store.folder), "entries": entries}
    if cuts.solving is not None:
        record["solving_cut"] = cuts.solving
    if len(cuts.phases) > 1:
        record["phases"] = [
            {"first_epoch": phase.first_epoch + 1, "last_epoch": phase.end_epoch, "cut": phase.cut}
            for phase in cuts.phases
        ]
    return record


def _words(record: Mapping[str, Any]) -> str:
    entries = record["entries"]
    sizes = size_words(sum(entry["bytes"] for entry in entries))
    cuts = list(dict.fromkeys(entry["cut"] for entry in entries))
    images = sum(entry["images"] for entry in entries if entry["cut"] == cuts[-1])
    computed = [entry["split"] for entry in entries if entry["computed"]]
    splits = ", ".join(dict.fromkeys(computed))
    how = f"computed {splits}" if computed else "all read from the store"
    return f"activations behind {', '.join(cuts)}: {images:,} examples, {sizes}, {how}"
