"""Images that are in two splits at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tlx.data.splitting import SPLIT_NAMES, TEST, TRAIN, VAL, Positions
from tlx.errors import TlxError

MOST_PAIRS = 5
PAIRS = ((TRAIN, TEST), (VAL, TEST), (TRAIN, VAL))


def without_overlaps(
    parts: Sequence[Positions], digests: NDArray[np.uint8], names: Sequence[str], *, drop: bool
) -> tuple[tuple[Positions, ...], list[str]]:
    """Return the splits without images that another split has byte for byte.

    Args:
        parts: Positions of the training, validation and test images.
        digests: SHA-256 of each file, shape (n, 32).
        names: Name of each file.
        drop: Whether to leave them out: of training, and of validation where the test has them.

    Returns:
        The positions, and the names of the files left out.

    Raises:
        TlxError: Where there are any and they are not to be dropped; names them.
    """
    keys = digests.view(f"V{digests.shape[1]}")[:, 0]
    kept = list(parts)
    dropped: list[str] = []
    for one, other in PAIRS:
        twice = np.isin(keys[kept[one]], keys[kept[other]])
        if not twice.any():
            continue
        rows = kept[one][twice]
        if not drop:
            raise TlxError(_refusal(one, other, rows, kept[other], keys, names))
        dropped += [names[row] for row in rows.tolist()]
        kept[one] = kept[one][~twice]
    return tuple(kept), dropped


def _refusal(
    one: int,
    other: int,
    rows: Positions,
    others: Positions,
    keys: NDArray[np.void],
    names: Sequence[str],
) -> str:
    twins = {keys[row].tobytes(): names[row] for row in others.tolist()}
    shown = [f"{names[row]} = {twins[keys[row].tobytes()]}" for row in rows[:MOST_PAIRS].tolist()]
    more = f" and {len(rows) - MOST_PAIRS} more" if len(rows) > MOST_PAIRS else ""
    return (
        f"{SPLIT_NAMES[one]} and {SPLIT_NAMES[other]} share images, byte for byte: "
        f"{', '.join(shown)}{more}. Remove one of each, or say data.overlap=drop, which leaves "
        f"them out of {SPLIT_NAMES[one]}."
    )
