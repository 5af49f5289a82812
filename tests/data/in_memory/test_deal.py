from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tlx.data.in_memory.deal import deal


def of_sizes(*sizes: int) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(sizes)), sizes).astype(np.int64)


@pytest.mark.parametrize(
    ("sizes", "fraction", "validated"),
    [
        ((10, 20), 0.2, (2, 4)),
        ((2, 3), 0.2, (1, 1)),
        ((2, 10), 0.95, (1, 9)),
        ((1, 5), 0.2, (0, 1)),
    ],
)
def test_deal_takes_a_share_of_each_class_and_leaves_some(
    sizes: tuple[int, ...], fraction: float, validated: tuple[int, ...]
) -> None:
    strata = of_sizes(*sizes)
    dealt = deal(strata, fraction, seed=3)
    assert sorted([*dealt.train, *dealt.val]) == list(range(len(strata)))
    assert tuple(np.bincount(strata[dealt.val], minlength=len(sizes))) == validated
    assert dealt.spared_none == tuple(c for c, size in enumerate(sizes) if size == 1)
    assert not dealt.learns_from_val


def test_deal_of_lone_examples_chooses_by_those_it_learns_from() -> None:
    dealt = deal(of_sizes(1, 1, 1), 0.2, seed=0)
    assert dealt.learns_from_val
    assert sorted(dealt.val) == [0, 1, 2]


@pytest.mark.parametrize(("size", "validated"), [(2, 2), (3, 3), (4, 2), (20, 4)])
def test_deal_of_numbers_validates_on_two_or_more(size: int, validated: int) -> None:
    dealt = deal(of_sizes(size), 0.2, seed=0, fewest=2)
    assert len(dealt.val) == validated
    assert dealt.learns_from_val == (size < 4)


def test_deal_follows_from_seed_and_class_alone() -> None:
    first, second = deal(of_sizes(8, 9), 0.3, seed=1), deal(of_sizes(8, 30), 0.3, seed=1)
    assert set(first.val[first.val < 8]) == set(second.val[second.val < 8])
    assert deal(of_sizes(40), 0.3, seed=1).val.tolist() != deal(of_sizes(40), 0.3, 2).val.tolist()
