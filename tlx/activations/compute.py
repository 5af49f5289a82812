"""Computing what the store lacks: by one process at a time, part by part."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from tlx.activations.locks import Lease, writing
from tlx.activations.parts import MISSING, fault_of_part, write_part
from tlx.activations.request import PrefixRequest
from tlx.activations.stored import StoredActivations, read
from tlx.data.batches import EVALUATION_BATCH_SIZE

if TYPE_CHECKING:
    from tlx.activations.manifest import Manifest
    from tlx.activations.store import ActivationStore

Advance = Callable[[int], None]
"""Told how many more images have been computed."""
_LARGEST_HALF = 65504.0
log = logging.getLogger("tlx")


def _unseen(images: int) -> None:
    del images


def open_stored(request: PrefixRequest, store: ActivationStore) -> StoredActivations | None:
    """Return activations if the store has all of them, sound; None where some must be computed.

    Parts that are damaged are told of in the log and not used.
    """
    return _opened(request, store, computed_parts=0, tells=True)


def ensure(
    request: PrefixRequest, store: ActivationStore, advance: Advance = _unseen
) -> StoredActivations:
    """Return activations from the store, computed before where it lacked them.

    Of several processes the first computes and the others wait for it; where it dies, one of them
    goes on from the parts it finished.

    Args:
        request: Which activations.
        store: Where they are kept.
        advance: Told of every batch of images computed.

    Raises:
        StoreFullError: Where they do not fit.
        OSError: Where the store cannot be read or written.
    """
    found = open_stored(request, store)
    if found is not None:
        return found
    key = request.key.digest
    doing = f"computes the activations of {request.name} behind {request.key.cut}"
    with writing(store.folder, key, waits_for=doing):
        found = _opened(request, store, computed_parts=0)  # by whom this one waited for
        if found is not None:
            return found
        manifest = reserve(request, store)
        computed = [compute_part(request, i, store, advance) for i in range(manifest.parts)]
        found = _opened(request, store, computed_parts=sum(computed))
    if found is None:
        raise OSError(f"what was just written to {store.folder / key} is damaged")
    return found


def reserve(request: PrefixRequest, store: ActivationStore) -> Manifest:
    """Make room for activations and begin their entry; needed before `compute_part`.

    An entry that has been begun already, and whose layout is right, stays as it is.

    Raises:
        StoreFullError: Where they do not fit.
        OSError: Where the store cannot be written.
    """
    manifest = request.manifest()
    store.reserve(manifest)
    return manifest


def compute_part(
    request: PrefixRequest, index: int, store: ActivationStore, advance: Advance = _unseen
) -> bool:
    """Compute one part of activations, unless it is there and sound.

    Different parts may be computed by different processes at once, after `reserve`.

    Args:
        request: Which activations.
        index: Which part, of `reserve(request, store).parts`.
        store: Where they are kept.
        advance: Told of every batch of images computed.

    Returns:
        Whether it was computed.
    """
    entry = store.entry(request.key.digest)
    manifest = entry.manifest
    if manifest is None:
        raise ValueError(f"{entry.folder} has not been begun; call reserve() before compute_part()")
    lease = Lease.take(store.folder, entry.key)
    with closing(lease), writing(store.folder, f"{entry.key}-{index}"):
        if fault_of_part(entry.folder, manifest, index) is None:
            advance(len(manifest.rows_of(index)))
            return False
        write_part(entry.folder, manifest, index, _batches(request, manifest, index, advance))
        return True


def _batches(
    request: PrefixRequest, manifest: Manifest, index: int, advance: Advance
) -> Iterator[NDArray[Any]]:
    rows = manifest.rows_of(index)
    for first in range(rows.start, rows.stop, EVALUATION_BATCH_SIZE):
        end = min(first + EVALUATION_BATCH_SIZE, rows.stop)
        yield _as_stored(request.activations(first, end), manifest)
        advance(end - first)


def _as_stored(activations: Tensor, manifest: Manifest) -> NDArray[Any]:
    values = activations.contiguous()
    if manifest.stored == "int16":
        values = values.view(torch.int16)
    elif manifest.stored == "float16" and values.dtype != torch.float16:
        # Beyond its range 16 bits would give infinity, and the tail no number.
        values = values.clamp(-_LARGEST_HALF, _LARGEST_HALF).half()
    array: NDArray[Any] = values.numpy()
    return array


def _opened(
    request: PrefixRequest, store: ActivationStore, *, computed_parts: int, tells: bool = False
) -> StoredActivations | None:
    entry = store.entry(request.key.digest)
    if not entry.folder.is_dir():
        return None
    lease = Lease.take(store.folder, entry.key)
    manifest = entry.manifest
    faults = entry.faults()
    if tells:
        _tell(request, faults)
    if manifest is None or faults or manifest.rows != len(request):
        lease.close()
        return None
    entry.touch()
    return read(entry, manifest, lease, computed_parts)


def _tell(request: PrefixRequest, faults: Mapping[int, str]) -> None:
    where = f"activations of {request.name} behind {request.key.cut}"
    for index, fault in faults.items():
        if fault != MISSING:
            said = "part %d of the %s is damaged: %s; it is computed again"
            log.warning(said, index + 1, where, fault)


def missing(requests: Sequence[PrefixRequest], store: ActivationStore) -> list[PrefixRequest]:
    """Return the requests that the store cannot answer yet, each key once."""
    unique = {request.key.digest: request for request in requests}.values()
    return [r for r in unique if store.entry(r.key.digest).faults()]


def missing_rows(request: PrefixRequest, store: ActivationStore) -> int:
    """Return how many of a request's images have no activations in the store yet."""
    entry = store.entry(request.key.digest)
    manifest = entry.manifest
    if manifest is None or manifest.rows != len(request):
        return len(request)
    return sum(len(manifest.rows_of(index)) for index in entry.faults())
