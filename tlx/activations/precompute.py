"""Activations computed before the runs that read them, by several processes at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.activations.compute import compute_part, reserve
from tlx.activations.store import ActivationStore

if TYPE_CHECKING:
    from tlx.activations.request import PrefixRequest
    from tlx.activations.settings import ActivationSettings


def compute_share(
    settings: ActivationSettings,
    requests: Sequence[PrefixRequest],
    part: int,
    parts: int,
) -> int:
    """Compute one process's share of the activations that a run will read.

    The parts of all splits are dealt out by size; the same call with each `part` computes all.

    Args:
        settings: Where they are kept.
        requests: Of `distinct_requests`.
        part: Which share, counted from 0.
        parts: How many shares there are.

    Returns:
        How many parts were computed; those that the store has are left alone.

    Raises:
        StoreFullError: Where they do not fit.
        OSError: Where the store cannot be written.
    """
    store = ActivationStore(Path(settings.folder), settings.max_gb)
    # Of all pieces, also those that are there: the shares must not depend on what another process
    # has finished meanwhile.
    pieces = [
        (len(layout.rows_of(index)), request, index)
        for request in requests
        for layout in [reserve(request, store)]
        for index in range(layout.parts)
    ]
    mine = shares([rows for rows, _, _ in pieces], parts)[part]
    return sum(compute_part(pieces[piece][1], pieces[piece][2], store) for piece in mine)


def shares(sizes: Sequence[int], parts: int) -> list[list[int]]:
    """Deal out work of known sizes, the largest first, each to who has least so far.

    Args:
        sizes: Size of each piece.
        parts: How many shares.

    Returns:
        Positions of the pieces of each share.
    """
    dealt: list[list[int]] = [[] for _ in range(parts)]
    loads = [0] * parts
    for piece in sorted(range(len(sizes)), key=lambda piece: (-sizes[piece], piece)):
        least = loads.index(min(loads))
        dealt[least].append(piece)
        loads[least] += sizes[piece]
    return dealt
