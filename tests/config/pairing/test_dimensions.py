from __future__ import annotations

from collections.abc import Sequence

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from tlx.config.pairing.dimensions import (
    combinations,
    dimensions,
    pairing_faults,
    pairs_of,
    read_pairs,
)


def parsed(*words: str) -> list[Override]:
    return OverridesParser.create().parse_overrides(list(words))


def texts(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    return [f"{override.get_key_element()}={text}" for text in override.sweep_string_iterator()]


def jobs(words: Sequence[str], *pairs: Sequence[str]) -> list[list[str]]:
    return combinations(dimensions(parsed(*words), pairs, texts))


def test_paired_keys_are_one_dimension_and_the_last_dimension_changes_first() -> None:
    assert jobs(["a=1,2", "b=3,4", "s=0,1"], ["a", "b"]) == [
        ["a=1", "b=3", "s=0"],
        ["a=1", "b=3", "s=1"],
        ["a=2", "b=4", "s=0"],
        ["a=2", "b=4", "s=1"],
    ]


def test_pairs_multiply_and_stand_where_their_first_key_does() -> None:
    assert jobs(["a=1,2", "c=5,6", "+b=3,4", "d=7,8"], ["a", "b"], ["d", "c"]) == [
        ["a=1", "+b=3", "c=5", "d=7"],
        ["a=1", "+b=3", "c=6", "d=8"],
        ["a=2", "+b=4", "c=5", "d=7"],
        ["a=2", "+b=4", "c=6", "d=8"],
    ]


def test_without_pairs_jobs_are_those_of_hydras_sweeper() -> None:
    words = ["a=1,2", "b=x", "~c", "a=3,4", "d=range(0,2)"]
    (expected,) = BasicSweeper.split_arguments(parsed(*words), None)
    expected = [[text.removesuffix("=null") for text in job] for job in expected]
    assert jobs(words) == expected


@pytest.mark.parametrize(
    ("words", "pairs", "told"),
    [
        (
            ["a=1,2", "b=1,2,3"],
            [["a", "b"]],
            [
                "zip(a=[1,2],b=[1,2,3]): a has 2 values and b has 3. Give each key as many values.",
            ],
        ),
        (
            ["a=1", "b=range(0,2)", "c=1,2"],
            [["a", "b", "c"]],
            [
                "zip(a=[1],b=range(0,2),c=[1,2]): a has 1 value and b has 2 and c has 2. "
                "Give each key as many values.",
            ],
        ),
        (
            ["a=1,2", "b=1,2", "a=3"],
            [["a", "b"]],
            ["zip=(a,b): a stands outside it too. Give a once, in the zip or outside."],
        ),
        (
            ["a=1,2", "b=1,2", "a=3,4", "c=5,6"],
            [["a", "b"], ["a", "c"]],
            [
                "zip=(a,b): a stands in zip(...) twice. A key goes with one set of others.",
                "zip=(a,c): a stands in zip(...) twice. A key goes with one set of others.",
            ],
        ),
        (
            ["a=1,2"],
            [["a", "b"]],
            ["zip=(a,b): b has no values. Give b=VALUES, or leave it out."],
        ),
    ],
)
def test_what_cannot_be_paired_is_told(
    words: list[str], pairs: list[list[str]], told: list[str]
) -> None:
    assert [str(fault) for _, fault in pairing_faults(parsed(*words), pairs, texts)] == told


def test_pairs_are_read_from_their_option_and_nothing_else() -> None:
    assert pairs_of(parsed("a=1", "hydra.sweeper.pairs=[[a,'b@c:d'],[+e]]")) == (
        ("a", "b@c:d"),
        ("+e",),
    )
    assert pairs_of(parsed("a=1")) == ()
    for value in (None, 3, "a", {}, [1, "b"]):
        assert read_pairs(value) == ()
