"""Dealing validation examples out of those that a program gives to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlx.data.splits import interleaved

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Dealt:
    """Which examples are learned from, and which choose the epoch.

    Args:
        train: Positions, int64.
        val: Positions, int64; those of `train` where nothing could be spared.
        spared_none: The groups of which no example is in `val` alone.
    """

    train: Positions
    val: Positions
    spared_none: tuple[int, ...] = ()

    @property
    def learns_from_val(self) -> bool:
        """Whether the same examples are learned from and chosen by."""
        return np.array_equal(self.train, self.val)


def deal(strata: Positions, fraction: float, seed: int, *, fewest: int = 1) -> Dealt:
    """Deal validation examples out, group by group, and leave some of each to learn from.

    Of each group the share is rounded, and is at least `fewest`; a group of fewer than twice as
    many keeps all of its examples to learn from. Where that leaves no validation example at all,
    the examples that are learned from choose the epoch too.

    Args:
        strata: The group of each example, such as its class, shape (n,).
        fraction: Share of each group, between 0 and 1.
        seed: The deal follows from it; a group's deal does not depend on the other groups.
        fewest: Validation examples of a group at least.
    """
    train, val, spared_none = [], [], []
    for group in np.unique(strata).tolist():
        generator = np.random.default_rng([seed, group])
        order = generator.permutation(np.flatnonzero(strata == group))
        count = min(max(fewest, round(len(order) * fraction)), len(order) - fewest)
        if count < fewest:
            spared_none.append(group)
            count = 0
        val.append(order[:count])
        train.append(order[count:])
    learned, chosen = interleaved(train), interleaved(val)
    return Dealt(learned, chosen if len(chosen) else learned, tuple(spared_none))
