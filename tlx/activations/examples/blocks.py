"""Entries of the store that say which examples they hold, so that others find single ones.

A block is an ordinary entry, locked, checked, listed and pruned like all others, with one more
file: `examples.npy`, the hash of each of its examples. Its key is made of these hashes in the place
of the images' own fingerprint, so that the file is checked against the key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tlx.activations.examples.hashes import HASH_BYTES, hash_of_hashes
from tlx.activations.locks import Lease
from tlx.activations.stored import StoredActivations, read
from tlx.runs.atomic import atomic_path

if TYPE_CHECKING:
    from pathlib import Path

    from tlx.activations.key import ActivationKey
    from tlx.activations.store import ActivationStore, Entry

EXAMPLES_FILE = "examples.npy"
OF_THE_IMAGES = ("images", "split")
"""What of an entry's description depends on its images; all else is the prefix's arithmetic."""


@dataclass(frozen=True)
class Block:
    """Some examples' activations, in use until they are released.

    Args:
        hashes: Of its examples, in order, shape (n, 32).
        stored: Their activations.
    """

    hashes: NDArray[np.uint8]
    stored: StoredActivations


def block_key(key: ActivationKey, hashes: NDArray[np.uint8]) -> ActivationKey:
    """Return the key of a block of examples, by the key of any images at the same cut."""
    return replace(key, images=hash_of_hashes(hashes))


def write_examples(folder: Path, hashes: NDArray[np.uint8]) -> None:
    """Say in an entry's folder which examples it holds; from then on it is a block."""
    with atomic_path(folder / EXAMPLES_FILE) as temporary, temporary.open("wb") as file:
        np.save(file, hashes, allow_pickle=False)


def block_entries(key: ActivationKey, store: ActivationStore) -> list[Entry]:
    """Return the blocks at a cut, of the same arithmetic, the one used longest ago first.

    Args:
        key: Of any images at the cut.
        store: Where they are kept.
    """
    wanted = _arithmetic_of(json.loads(json.dumps(key.to_dict())))
    held = [one for one in store.entries() if (one.folder / EXAMPLES_FILE).is_file()]
    return [
        one for one in held if one.manifest and _arithmetic_of(one.manifest.about) == wanted
    ]  # fmt: skip


def _arithmetic_of(about: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in about.items() if name not in OF_THE_IMAGES}


def open_blocks(key: ActivationKey, store: ActivationStore, wanted: set[bytes]) -> Iterator[Block]:
    """Yield the sound blocks that have some of the wanted examples; the caller releases them.

    Args:
        key: Of any images at the cut.
        store: Where they are kept.
        wanted: The hashes of the examples.
    """
    for entry in reversed(block_entries(key, store)):
        hashes = _hashes(entry)
        if hashes is None or wanted.isdisjoint(map(bytes, hashes)):
            continue
        stored = _opened(entry, store, len(hashes))
        if stored is not None:
            yield Block(hashes, stored)


def _hashes(entry: Entry) -> NDArray[np.uint8] | None:
    """Return which examples an entry holds; None where its file is damaged or gone."""
    manifest = entry.manifest
    try:
        hashes: NDArray[np.uint8] = np.load(entry.folder / EXAMPLES_FILE, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if manifest is None or hashes.dtype != np.uint8 or hashes.shape != (manifest.rows, HASH_BYTES):
        return None
    return hashes if hash_of_hashes(hashes) == manifest.about.get("images") else None


def _opened(entry: Entry, store: ActivationStore, rows: int) -> StoredActivations | None:
    lease = Lease.take(store.folder, entry.key)
    manifest = entry.manifest  # read again: it may have been pruned before the lease was taken
    if manifest is None or manifest.rows != rows or entry.faults():
        lease.close()
        return None
    entry.touch()
    return read(entry, manifest, lease, computed_parts=0)
