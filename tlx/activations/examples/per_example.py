"""Activations example by example: whoever asks for an image again finds it, whatever its split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlx.activations.compute import Advance, ensure
from tlx.activations.examples.blocks import (
    Block,
    block_entries,
    block_key,
    open_blocks,
    write_examples,
)
from tlx.activations.examples.gathered import GatheredRows
from tlx.activations.examples.hashes import example_hashes, hash_of_hashes
from tlx.activations.locks import writing
from tlx.activations.request import PrefixRequest
from tlx.activations.stored import JOINED_BYTES
from tlx.data.batches import EVALUATION_BATCH_SIZE

if TYPE_CHECKING:
    from tlx.activations.manifest import Manifest
    from tlx.activations.store import ActivationStore

Hashes = NDArray[np.uint8]
BLOCK_BYTES = 500_000_000
"""Of the images of one block, which are copied into memory."""
MOST_BLOCKS = 1000
"""Of one cut; beyond it those used longest ago go, since every look reads what all of them hold."""
NO_IMAGES = ""


@dataclass(frozen=True)
class ExampleActivations:
    """Activations of examples in the order asked for, in use until `release` is called.

    Args:
        manifest: Their layout, as if they were an entry of their own.
        blocks: Where they lie.
        source_of: Which block each example is in, int64, shape (n,).
        row_of: Where it stands there, int64, shape (n,).
        computed_examples: How many of them were computed just now.
    """

    manifest: Manifest
    blocks: tuple[Block, ...]
    source_of: Tensor
    row_of: Tensor
    computed_examples: int

    @property
    def computed_parts(self) -> int:
        """Whether any was computed just now: 1, or 0."""
        return int(self.computed_examples > 0)

    @property
    def dtype(self) -> torch.dtype:
        """The type in which the activations were computed, which the tail is to get."""
        return self.blocks[0].stored.dtype

    @cached_property
    def rows(self) -> Tensor | GatheredRows:
        """The activations (n, ...): copied into one tensor where they are few, else seen as one."""
        sources = [block.stored.rows for block in self.blocks]
        gathered = GatheredRows(sources, self.source_of, self.row_of)
        return gathered[:] if self.manifest.bytes <= JOINED_BYTES else gathered

    def release(self) -> None:
        """Let the activations be pruned; tensors read from them stay valid."""
        for block in self.blocks:
            block.stored.release()


@dataclass(frozen=True)
class _Begun(PrefixRequest):
    """A request of which the first batch is there: it says the layout, and is not computed twice.

    Args:
        first: Activations (m, ...) of the first batch.
    """

    first: Tensor

    def activations(self, first: int, end: int) -> Tensor:
        """Return the activations (n, ...) of some images, see `PrefixRequest`."""
        if (first, end) == (0, len(self.first)):
            return self.first
        return super().activations(first, end)

    def manifest(self) -> Manifest:
        """Return the layout of the entry."""
        return self.manifest_of(self.first[:1])


def _unseen(examples: int) -> None:
    del examples


def ensure_examples(
    request: PrefixRequest,
    store: ActivationStore,
    advance: Advance = _unseen,
    *,
    alone: bool = True,
) -> ExampleActivations:
    """Return activations of examples, of which only those are computed that the store lacks.

    Args:
        request: Which activations; its key's fingerprint of the images plays no part.
        store: Where they are kept.
        advance: Told of every batch of examples that is there or has been computed.
        alone: Whether one process computes at a time, so that none computes what another does.
            Processes with different examples, such as the parts of a data set, need not wait.

    Raises:
        StoreFullError: Where what is missing does not fit.
        OSError: Where the store cannot be read or written.
    """
    hashes = [bytes(one) for one in example_hashes(request.images)]
    found = _found(request, store, hashes)
    if found.lacking:
        found.release()
        shelf = replace(request.key, images=NO_IMAGES).digest
        doing = f"computes activations behind {request.key.cut}"
        waiting = writing(store.folder, shelf, waits_for=doing) if alone else nullcontext()
        with waiting:
            found = _found(request, store, hashes)
            if found.lacking:
                for block in _computed(request, store, hashes, found.lacking, advance):
                    found.add(block)
    advance(len(request) - found.computed)
    return found.in_order(request, hashes)


class _Found:
    """The blocks that have wanted examples, and where in them each one stands."""

    def __init__(self, wanted: Sequence[bytes]) -> None:
        self.blocks: list[Block] = []
        self.places: dict[bytes, tuple[int, int]] = {}
        self.computed = 0
        self._wanted = dict.fromkeys(wanted)

    @property
    def lacking(self) -> list[bytes]:
        """The wanted examples that no block has, each once."""
        return [one for one in self._wanted if one not in self.places]

    def add(self, block: Block) -> None:
        """Take a block in use, unless it has nothing new or lies in another layout."""
        rows = {bytes(one): row for row, one in enumerate(block.hashes)}
        new = [one for one in rows if one in self._wanted and one not in self.places]
        if not new or not self._fits(block.stored.manifest):
            block.stored.release()
            return
        self.places |= {one: (len(self.blocks), rows[one]) for one in new}
        self.blocks.append(block)
        self.computed += len(new) if block.stored.computed_parts else 0

    def _fits(self, manifest: Manifest) -> bool:
        layouts = [block.stored.manifest for block in self.blocks[:1]]
        same = [(one.shape, one.dtype, one.stored) for one in (*layouts, manifest)]
        return len(set(same)) == 1

    def in_order(self, request: PrefixRequest, hashes: Sequence[bytes]) -> ExampleActivations:
        """Return the activations of all examples."""
        places = torch.tensor([self.places[one] for one in hashes], dtype=torch.int64)
        key = replace(request.key, images=hash_of_hashes(_array(hashes)))
        manifest = replace(
            self.blocks[0].stored.manifest,
            key=key.digest,
            rows=len(hashes),
            about=key.to_dict() | {"split": request.name},
        )
        blocks = tuple(self.blocks)
        return ExampleActivations(manifest, blocks, places[:, 0], places[:, 1], self.computed)

    def release(self) -> None:
        """Let go of all blocks."""
        for block in self.blocks:
            block.stored.release()


def _found(request: PrefixRequest, store: ActivationStore, hashes: Sequence[bytes]) -> _Found:
    found = _Found(hashes)
    for block in open_blocks(request.key, store, set(hashes)):
        found.add(block)
    return found


def _computed(
    request: PrefixRequest,
    store: ActivationStore,
    hashes: Sequence[bytes],
    lacking: Sequence[bytes],
    advance: Advance,
) -> Iterator[Block]:
    """Compute the examples that are lacking, and yield them as new blocks."""
    places = {one: place for place, one in reversed(list(enumerate(hashes)))}
    one_image = request.images[:1]
    most = max(
        EVALUATION_BATCH_SIZE, BLOCK_BYTES // max(1, one_image.numel() * one_image.element_size())
    )
    for first in range(0, len(lacking), most):
        part = lacking[first : first + most]
        images = request.images[torch.tensor([places[one] for one in part])]
        yield _block(replace(request, images=images), store, _array(part), advance)


def _block(
    request: PrefixRequest, store: ActivationStore, hashes: Hashes, advance: Advance
) -> Block:
    asked = replace(request, key=block_key(request.key, hashes))
    begun = _Begun(
        **vars(asked), first=asked.activations(0, min(EVALUATION_BATCH_SIZE, len(asked)))
    )
    _forget_oldest(request, store)
    stored = ensure(begun, store, advance)
    write_examples(store.entry(asked.key.digest).folder, hashes)
    return Block(hashes, stored)


def _forget_oldest(request: PrefixRequest, store: ActivationStore) -> None:
    entries = block_entries(request.key, store)
    for entry in entries[: max(0, len(entries) + 1 - MOST_BLOCKS)]:
        store.remove(entry)


def _array(hashes: Sequence[bytes]) -> Hashes:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1)
